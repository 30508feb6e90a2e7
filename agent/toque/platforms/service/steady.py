"""Whether a service that was started stays up, and what its log says when it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toque.core import Host, ToqueError

_LOOK_EVERY = "0.1"
_UP_WITHIN = 50
"""Looks until it must be up: a daemon writes its pid some time after its starter has returned."""

_STAYS_FOR = 5
"""Looks that it must then pass: most that cannot run end within their first moments."""

LOG_LINES = "20"


class NotUp(ToqueError):
    """A service was started, and is not running."""

    def __init__(self, name: str, log: str, said: str = "") -> None:
        self.name, self.log = name, log
        super().__init__(name)
        text = log.strip() or said.strip()
        self._tail = "\n".join(f"    {line}" for line in text.splitlines()[-int(LOG_LINES) :])

    def __str__(self) -> str:
        if not self._tail:
            return f"service {self.name} was started and does not stay up; it has no log that we know of"
        return f"service {self.name} was started and does not stay up; its log ends:\n{self._tail}"


def stays_up(
    host: Host, running: Callable[[], bool], failed: Callable[[], bool] = lambda: False, seconds: float | None = None
) -> bool:
    """Wait until it runs, at most `seconds`, then watch it for a moment. `failed` says that waiting is of no use."""
    for _ in range(_UP_WITHIN if seconds is None else max(1, round(seconds / float(_LOOK_EVERY)))):
        if running():
            break
        if failed():
            return False
        host.run(["sleep", _LOOK_EVERY])
    for _ in range(_STAYS_FOR):
        if not running():
            return False
        host.run(["sleep", _LOOK_EVERY])
    return running()


def tail(host: Host, paths: Sequence[str]) -> str:
    """The last lines of the first of these files that has any."""
    for path in paths:
        if host.entry(path) is not None:
            said = host.run(["tail", "-n", LOG_LINES, "--", path], ok={0, 1}).out
            if said.strip():
                return said
    return ""
