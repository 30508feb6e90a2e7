"""Asking a sandbox's PID 1 to start services, so that they are no descendants of the run that wants them.

The other end, and the description of what is said, is `toque.sandbox.control`, on which resources must not depend; a
test compares the two.
"""

from __future__ import annotations

import json
import socket

from toque.core import CommandFailed, Ran, ToqueError

SOCKET = "/run/toque/init.sock"
_WITHIN = 300.0


class NoAnswer(ToqueError):
    """PID 1 of this sandbox did not answer, or could not do what it was asked for."""


def service(name: str, action: str, *, at: str = SOCKET) -> str:
    """Run an action of an init script as PID 1's child; returns what it said. Raises CommandFailed."""
    code, output = _ask({"op": "service", "name": name, "action": action}, at)
    if code != 0:
        raise CommandFailed(["service", name, action], Ran(code=code, out=output))
    return output


def supervisor(*, at: str = SOCKET) -> None:
    """See to it that supervisord runs and answers."""
    code, output = _ask({"op": "supervisor"}, at)
    if code != 0:
        raise NoAnswer(f"the sandbox cannot start supervisord: {output}")


def _ask(request: dict[str, str], at: str) -> tuple[int, str]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_WITHIN)
            connection.connect(at)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        answer = json.loads(line)
        return int(answer["code"]), str(answer["output"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoAnswer(f"PID 1 of this sandbox does not answer on {at}: {error!r}") from error
