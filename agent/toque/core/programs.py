"""Running a program: what it is given to read, how long it may take, and what it says meanwhile and in the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

TIMED_OUT = 124
LISTEN_EVERY = 0.2
"""Seconds between two looks at what a program says, for who wants to hear it while it runs."""
KEPT_OUTPUT = 1 << 20
"""Of a program's output, so many bytes at its beginning and at its end are kept."""


def spool(content: bytes = b"") -> int:
    """A file without a name, for what goes into a program or comes out of it.

    Not a pipe: a service started by the program inherits it, and who reads a pipe to its end waits for the service.
    """
    try:
        descriptor = os.open("/tmp", os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError:
        descriptor = os.memfd_create("toque", os.MFD_CLOEXEC)
    if content:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def in_memory(content: bytes) -> int:
    """A file in memory that a program may be given to read, whoever it runs as."""
    descriptor = os.memfd_create("script", os.MFD_CLOEXEC)
    os.fchmod(descriptor, 0o444)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor


def wait(process: subprocess.Popen[bytes], seconds: float, listener: Listener | None = None) -> int | None:
    """The exit code of a program, 128 + n for signal n; None when its whole session was killed after `seconds`."""
    import select
    import signal
    import time

    ended = os.pidfd_open(process.pid)
    try:
        ready = select.poll()
        ready.register(ended, select.POLLIN)
        deadline = time.monotonic() + seconds
        while not (in_time := bool(ready.poll(_next_look(deadline - time.monotonic(), listener)))):
            if listener is not None:
                listener.listen()
            if time.monotonic() >= deadline:
                break
    finally:
        os.close(ended)
    if not in_time:
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    if listener is not None:
        listener.listen(to_the_end=True)
    if not in_time:
        return None
    return code if code >= 0 else 128 - code


def _next_look(left: float, listener: Listener | None) -> float:
    """Milliseconds until there is something to do: the end of the time, or what the program has said meanwhile."""
    return max(0.0, left if listener is None else min(left, LISTEN_EVERY)) * 1000


class Listener:
    """Passes on the lines that a program says while it runs, both of its voices in the order they are found."""

    def __init__(self, spools: Sequence[int], tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._heard = dict.fromkeys(spools, 0)

    def listen(self, *, to_the_end: bool = False) -> None:
        """Pass on the whole lines that are new; `to_the_end` also the last one, where it was never ended."""
        for spool, heard in self._heard.items():
            new = os.pread(spool, os.fstat(spool).st_size - heard, heard)
            whole = len(new) if to_the_end else new.rfind(b"\n") + 1
            for line in new[:whole].decode(errors="replace").splitlines():
                self._tell(line)
            self._heard[spool] = heard + whole


def text_of(spool: int) -> str:
    """What a program said, its middle left out when it is very long."""
    size = os.fstat(spool).st_size
    if size <= 2 * KEPT_OUTPUT:
        return os.pread(spool, size, 0).decode(errors="replace")
    first, last = os.pread(spool, KEPT_OUTPUT, 0), os.pread(spool, KEPT_OUTPUT, size - KEPT_OUTPUT)
    gap = f"\n… {size - 2 * KEPT_OUTPUT} bytes left out …\n"
    return first.decode(errors="replace") + gap + last.decode(errors="replace")
