"""The machine a resource works on: everything a resource may ask of it or do to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from toque.core.errors import ToqueError
from toque.core.secret import Secret
from toque.protocol.masking import HIDDEN

Kind = Literal["file", "directory", "link", "other"]

SCRIPT = "{script}"
"""Among the arguments of a program: the file that holds the text given as `script`."""


@dataclass(frozen=True)
class Ran:
    """How a program ended: exit code (128 + n for signal n) and what it said, as text (undecodable bytes as U+FFFD)."""

    code: int = 0
    out: str = ""
    err: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of a folder, itself and not what it points to. `mode` is the permission bits, without the file type.

    `file_id` is the same for two names of one file (hard links), and differs otherwise.
    """

    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    file_id: tuple[int, int] = (0, 0)
    modified: float = 0.0
    """When its content was last changed, in seconds since 1970."""


@dataclass(frozen=True)
class WebRequest:
    """An HTTP request. `timeout` in seconds for each of connecting and waiting."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 30.0
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class WebAnswer:
    """What a server said: its status, headers (names in lower case) and at most a mebibyte of its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        import json

        return json.loads(self.body)


class Unreachable(ToqueError):
    """An HTTP server that gave no answer; the text says why, without what is secret in the URL."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = url, why
        super().__init__(f"{url} does not answer: {why}")


class Host(Protocol):
    """A machine, as resources see it. The real one is `LocalHost`, the honest fake `toque.testing.machine.FakeHost`.

    Paths are absolute. Methods that look never fail because a thing is not there: they answer None (or an empty list).
    Methods that change raise OSError with the path, or CommandFailed.
    """

    def run(
        self,
        argv: Sequence[str],
        *,
        ok: Collection[int] = (0,),
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        user: str | None = None,
        group: str | None = None,
        umask: int | None = None,
        timeout: float | None = None,
        script: str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Ran:
        """Run a program, without a shell. `env` is added to a small clean environment. `timeout` in seconds (3600).

        The argument `SCRIPT` stands for a file with the text `script`, which is nowhere on a disk. `tell` gets each
        line that the program says, while it runs.

        Raises CommandFailed when the exit code is not in `ok`, the program does not exist (127) or time is up (124).
        """

    def which(self, program: str) -> str | None:
        """The path of a program, or None."""

    def ask(self, request: WebRequest) -> WebAnswer:
        """Send an HTTP request. Any status is an answer; raises Unreachable when none comes."""

    def reaches(self, address: str, port: int, *, timeout: float) -> str | None:
        """Why no TCP connection can be made within `timeout` seconds; None when it can."""

    def entry(self, path: str) -> Entry | None:
        """What stands at `path`, links not followed; None when nothing does."""

    def read(self, path: str) -> bytes | None:
        """The content of a file, links followed; None when there is no file."""

    def names_in(self, path: str) -> list[str]:
        """The names in a folder, sorted; empty when there is no folder."""

    def link_target(self, path: str) -> str | None:
        """What a symbolic link says; None when it is not one."""

    def write(
        self, path: str, content: bytes, *, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        """Put a whole file in place at once: readers see the old one or the new one.

        What is not given is kept from the file that was there, else 0644 and the owner of this process.
        """

    def make_directory(self, path: str, *, mode: int | None = None, parents: bool = False) -> None: ...

    def make_link(self, path: str, to: str, *, symbolic: bool = True) -> None:
        """Make a link, or move an existing link to its new target at once."""

    def remove(self, path: str, *, recursive: bool = False) -> None: ...

    def rename(self, path: str, to: str) -> None: ...

    def chmod(self, path: str, mode: int) -> None: ...

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        """Change who owns an entry, a link itself included. None keeps."""

    def uid_of(self, user: str) -> int | None:
        """The number of a user, by name or number; None when there is no such user."""

    def gid_of(self, group: str) -> int | None: ...

    def user_name(self, uid: int) -> str:
        """The name of a user; the number as text when it has none."""

    def group_name(self, gid: int) -> str: ...

    def home_of(self, user: str) -> str | None: ...


def shown(argv: Sequence[str]) -> str:
    """A command line for people: secrets hidden, what needs it quoted."""
    import shlex

    from toque.core.masking import mask

    return mask(" ".join(HIDDEN if isinstance(arg, Secret) else shlex.quote(arg) for arg in argv))


class CommandFailed(ToqueError):
    """A program that a resource ran ended with an exit code that is not a success."""

    def __init__(self, argv: Sequence[str], ran: Ran) -> None:
        self.argv, self.ran = tuple(argv), ran
        super().__init__(argv, ran)

    def __str__(self) -> str:
        said = said_by(self.argv, self.ran)
        return f"{shown(self.argv)} ended with exit code {self.ran.code}" + (f"\n{said}" if said else "")


def said_by(argv: Sequence[str], ran: Ran, lines: int = 20) -> str:
    """The last lines of what a program said, stderr first, each masked; empty when it kept silent."""
    from toque.core.masking import mask

    text = (ran.err.strip() or ran.out.strip()).splitlines()
    name = argv[0].rpartition("/")[2]
    indent = "\n" + " " * (len(name) + 7)
    return f"{name} said: " + indent.join(mask(line.rstrip()) for line in text[-lines:]) if text else ""


class Watched:
    """A host that also remembers which programs ran, for the error that may follow."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.ran: list[tuple[tuple[str, ...], Ran]] = []

    def run(self, argv: Sequence[str], **options: Any) -> Ran:
        try:
            ran = self._host.run(argv, **options)
        except CommandFailed as failed:
            self.ran.append((tuple(argv), failed.ran))
            raise
        self.ran.append((tuple(argv), ran))
        return ran

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def watched(host: Host) -> tuple[Host, list[tuple[tuple[str, ...], Ran]]]:
    """The same machine, and the list that fills with what is run on it."""
    watch = Watched(host)
    return cast(Host, watch), watch.ran


class Limited:
    """A host whose programs get a time limit and a umask, where whoever runs them says nothing else."""

    def __init__(self, host: Host, timeout: float | None, umask: int | None) -> None:
        self._host, self._timeout, self._umask = host, timeout, umask

    def run(self, argv: Sequence[str], **options: Any) -> Ran:
        if options.get("timeout") is None:
            options["timeout"] = self._timeout
        if options.get("umask") is None:
            options["umask"] = self._umask
        return self._host.run(argv, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def limited(host: Host, timeout: float | None, umask: int | None) -> Host:
    """The same machine, where every program is killed after `timeout` seconds and starts with this umask."""
    return cast(Host, Limited(host, timeout, umask))
