"""Talking to supervisord over its unix socket, in process: `supervisorctl` takes a quarter of a second a question."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

from toque.core import ToqueError

if TYPE_CHECKING:
    from xmlrpc.client import ServerProxy

_NO_SUCH_PROGRAM, _NOT_RUNNING, _ALREADY_STARTED = 10, 70, 60
_WITHIN = 60.0


class SupervisorFailed(ToqueError):
    """supervisord does not answer, or refuses what it is asked to do."""


class Supervisord:
    """supervisord behind a socket. Questions are answered with nothing where it does not run."""

    def __init__(self, path: str) -> None:
        self._path = path

    def answers(self) -> bool:
        try:
            self._call("getState")
        except OSError:
            return False
        return True

    def state(self, name: str) -> str:
        """RUNNING, STARTING, BACKOFF, FATAL, STOPPED, EXITED, …; empty when it is not known or nobody answers."""
        return str(self._info(name).get("statename", ""))

    def complaint(self, name: str) -> str:
        """What supervisord itself says is wrong."""
        info = self._info(name)
        return str(info.get("spawnerr") or info.get("description") or "")

    def start(self, name: str) -> None:
        """Start it; whether it stays up is asked for by `state`."""
        self._command("startProcess", name, False, fine=_ALREADY_STARTED)

    def stop(self, name: str) -> None:
        """Stop it and wait for its end."""
        try:
            self._command("stopProcess", name, True, fine=_NOT_RUNNING)
        except OSError:
            return  # nobody answers, so nothing runs

    def signal(self, name: str, signal: str) -> None:
        self._command("signalProcess", name, signal)

    def update(self, name: str) -> bool:
        """Read the configuration again, and take over what is said of this program; others are left alone.

        Says whether there was something to take over.
        """
        [[added, changed, removed]] = self._command("reloadConfig")
        if name in changed or name in removed:
            self._command("stopProcessGroup", name, True)
            self._command("removeProcessGroup", name)
        if name in changed or name in added:
            self._command("addProcessGroup", name)
        return name in (*added, *changed, *removed)

    def _info(self, name: str) -> dict[str, Any]:
        from xmlrpc.client import Fault

        try:
            info: dict[str, Any] = self._call("getProcessInfo", name)
        except Fault as fault:
            if fault.faultCode == _NO_SUCH_PROGRAM:
                return {}
            raise SupervisorFailed(f"supervisord says of {name}: {fault.faultString}") from None
        except OSError:
            return {}
        return info

    def _command(self, method: str, *arguments: Any, fine: int = 0) -> Any:
        from xmlrpc.client import Fault

        try:
            return self._call(method, *arguments)
        except Fault as fault:
            if fault.faultCode == fine:
                return None
            said = f"supervisord refuses {method} {' '.join(map(str, arguments))}: {fault.faultString}"
            raise SupervisorFailed(said) from None

    def _call(self, method: str, *arguments: Any) -> Any:
        return getattr(_proxy(self._path).supervisor, method)(*arguments)


def _proxy(path: str) -> ServerProxy:
    from xmlrpc.client import ServerProxy, Transport

    class Local(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(_WITHIN)
            self.sock.connect(path)

    class OverSocket(Transport):
        def make_connection(self, host: Any) -> http.client.HTTPConnection:
            return Local("localhost")

    return ServerProxy("http://localhost/RPC2", transport=OverSocket())
