"""wait_for: going on only when something outside the run is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.host import Unreachable, WebRequest
from toque.core.urls import without_password


class NotReady(ToqueError):
    """What was waited for did not come in time; the text says how it looked at last."""


@dataclass(frozen=True)
class Ready:
    """As it shall be; while it is not, there is no state at all."""

    ready: bool = True


@resource("wait_for")
@dataclass(frozen=True)
class WaitFor(Resource[Ready]):
    """Wait until something is ready, and go on. What is ready at the first look is unchanged; waiting is a change.

    name      what is waited for, in words
    port      a TCP port that takes connections, at `address`
    address   a name or an address ("127.0.0.1")
    url       an HTTP server that answers with one of `status`
    status    which statuses of `url` are meant
    contains  a text that the answer of `url` must have as well
    path      a path that exists
    process   a running program, by its name as `pgrep -x` knows it
    command   a program that only looks; exit code 0 is yes
    until     a function without arguments that answers yes or no
    absent    True: wait until it is not so: the port closed, the path gone, …
    timeout   seconds after which the resource has failed
    interval  seconds between two looks

    One of port, url, path, process, command and until. A plan looks once, and says what would be waited for.

        wait_for("the database", port=5432, address="db1", timeout=120)
        wait_for("the shop", url="http://127.0.0.1:8080/health", contains="ok")
        wait_for("the migration's lock to go", path="/var/lib/shop/lock", absent=True)
    """

    made: ClassVar[str] = "waited for"

    name: str
    _: KW_ONLY
    port: int | None = None
    address: str = "127.0.0.1"
    url: str | None = None
    status: Sequence[int] = (200,)
    contains: str | None = None
    path: str | None = None
    process: str | None = None
    command: Sequence[str] | None = None
    until: Callable[[], bool] | None = None
    absent: bool = False
    timeout: float = 60.0
    interval: float = 1.0

    def __post_init__(self) -> None:
        kinds = {name: getattr(self, name) for name in ("port", "url", "path", "process", "command", "until")}
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise BadProperty(f"wait_for takes one of port, url, path, process, command and until; got {got}")
        if self.port is not None and not 0 < self.port < 65536:
            raise BadProperty(f"wait_for port must be 1 to 65535, got {self.port}")
        if self.timeout <= 0 or self.interval <= 0:
            raise BadProperty("wait_for timeout and interval are seconds, and more than 0")

    def desired(self) -> Ready:
        return Ready()

    def current(self, host: Host) -> Ready | None:
        return Ready() if self._lacks(host) is None else None

    def apply(self, host: Host, change: Change[Ready]) -> None:
        deadline = time.monotonic() + self.timeout
        while (lacks := self._lacks(host)) is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotReady(f"{self.name}: waited {self.timeout:g} s, and {lacks}")
            self.sleep(min(self.interval, left))

    sleep = staticmethod(time.sleep)

    def _lacks(self, host: Host) -> str | None:
        """What is still not so; None when it is ready."""
        lacks = self._what_is_missing(host)
        if not self.absent:
            return lacks
        return None if lacks is not None else f"{self._thing()} is still there"

    def _what_is_missing(self, host: Host) -> str | None:
        if self.port is not None:
            why = host.reaches(self.address, self.port, timeout=max(self.interval, 1.0))
            return None if why is None else f"{self.address} port {self.port} does not answer: {why}"
        if self.url is not None:
            return self._asked(host, self.url)
        if self.path is not None:
            return None if host.entry(self.path) is not None else f"{self.path} does not exist"
        if self.process is not None:
            found = host.run(["pgrep", "-x", "--", self.process], ok=(0, 1)).code == 0
            return None if found else f"no program {self.process} runs"
        if self.command is not None:
            code = host.run(self.command, ok=range(256)).code
            return None if code == 0 else f"{self._thing()} ends with exit code {code}"
        return None if self.until is not None and self.until() else "it is not so"

    def _asked(self, host: Host, url: str) -> str | None:
        try:
            answer = host.ask(WebRequest(str.__str__(url), timeout=max(self.interval, 5.0)))
        except Unreachable as error:
            return str(error)
        if answer.status not in self.status:
            return f"{without_password(url)} answers {answer.status}"
        if self.contains is not None and self.contains not in answer.text:
            return f"{without_password(url)} answers without the text it shall have"
        return None

    def _thing(self) -> str:
        from toque.core.host import shown

        if self.command is not None:
            return shown(self.command)
        return str(self.path or self.process or (self.url and without_password(self.url)) or self.port or "it")


wait_for = recipe_word(WaitFor)
