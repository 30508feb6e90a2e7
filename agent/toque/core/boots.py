"""Restarts of the machine in the middle of a run: which lines have had theirs, and the one that a line asks for now.

A line asks by its name, in one boot; once the machine runs in another, the line is done. Who restarts the machine and
begins the run again is the agent: what it remembers comes to the run as `boots.json` in the run directory. `toque
apply` has no agent; it remembers beside its ledger that a line asked, for the time after somebody restarted by hand.
"""

from __future__ import annotations

import json
from pathlib import Path

from toque.core.errors import ToqueError
from toque.core.host import Host

MOST = 3
"""How often one command may restart its machine in its middle."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class RestartNow(BaseException):
    """Ends the run at a line that asked for a restart; no failure, and no `except Exception` of a recipe takes it."""


class TooManyRestarts(ToqueError):
    """A run asked for one restart more than a command may have."""

    def __init__(self, name: str, asked: list[str]) -> None:
        super().__init__(
            f"this command has restarted its machine {len(asked)} times in its middle ({', '.join(asked)}), and now "
            f"{name!r} would be one more: give a line the same reason in every run, and ask with only_if_pending=True"
        )


class NeedsAgent(ToqueError):
    """A run without an agent came to a line that restarts the machine and goes on after the boot."""

    def __init__(self, name: str, *, remembered: bool) -> None:
        way_out = (
            "restart it yourself, then apply the recipe once more; this line is done then"
            if remembered
            else "run it as a command of the server"
        )
        super().__init__(
            f"the machine must be restarted here ({name}), and only the agent does that and goes on after the boot: "
            f"{way_out}"
        )


class Boots:
    """What is known of restarts in the middle. `path` is where it stands; `resumes`: an agent goes on after one."""

    def __init__(self, path: Path | None = None, *, resumes: bool = False) -> None:
        self._path, self._resumes = path, resumes
        self.asked: dict[str, str] = _read(path)
        """Line by line the boot in which it asked."""
        self.restarting = ""
        """The line for which the machine is to be restarted now."""

    def has_had(self, name: str, host: Host) -> bool:
        """Whether the machine has booted since this line asked for it."""
        asked = self.asked.get(name)
        return asked is not None and asked != boot_of(host)

    def ask(self, name: str, host: Host) -> None:
        """Have the machine restarted for this line. Raises TooManyRestarts, NeedsAgent (nobody goes on after it)."""
        if not self._resumes:
            self.asked[name] = boot_of(host)
            if self._path is not None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.write_text(json.dumps(self.asked))
            raise NeedsAgent(name, remembered=self._path is not None)
        if len(self.asked) >= MOST:
            raise TooManyRestarts(name, list(self.asked))
        self.restarting = name

    def forget(self) -> None:
        """A run came to its end: the next one asks anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def boot_of(host: Host) -> str:
    """What changes with each boot of the machine."""
    return (host.read(_BOOT_ID) or b"").decode().strip()


def _read(path: Path | None) -> dict[str, str]:
    try:
        found = json.loads(path.read_text()) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return {str(name): str(boot) for name, boot in found.items()} if isinstance(found, dict) else {}
