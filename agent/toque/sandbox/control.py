"""Talking to a sandbox's PID 1: one JSON object a line, over a unix socket.

Inside the sandbox the socket is `SOCKET` (root only); from the host it is reached through /proc/<pid>/root. One request
and one answer per connection:

    {"op": "ping"}                                          -> {"code": 0, "output": ""}
    {"op": "service", "name": "nginx", "action": "start"}   -> {"code": 0, "output": "Starting nginx: nginx."}
    {"op": "supervisor"}                                    -> {"code": 0, "output": "/etc/toque/supervisord.conf"}
    {"op": "reboot"}                                        -> {"code": 0, "output": ""}
    {"op": "execute", "argv": ["id", "-u"]}                 -> {"code": 0, "stdout": base64, "stderr": base64}

`service` runs the SysV or OpenRC script as a child of PID 1, so the service is no descendant of the run that asked for
it; actions are start, stop, restart, reload, force-reload and status, and the code is the script's. What was started
last is started again after a reboot. `supervisor` sees to it that supervisord runs and answers; its programs are
/etc/toque/supervisor.d/*.conf and its socket /run/toque/supervisor.sock. `reboot` answers, then ends everything and
starts afresh on the same disk. A request PID 1 cannot make sense of gets {"code": 2, "output": why}.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from toque.sandbox.places import SOCKET


def request(op: str, *, at: Path = SOCKET, seconds: float = 300.0, **arguments: Any) -> dict[str, Any]:
    """Ask PID 1 for something and wait for its answer.

    Raises OSError where there is no sandbox (FileNotFoundError, ConnectionRefusedError), TimeoutError after `seconds`
    without an answer, ConnectionError when the sandbox ended before it answered.

        answer = request("service", name="memcached", action="start")
        if answer["code"] != 0:
            print(answer["output"])
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(str(at))
        connection.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line:
        raise ConnectionError(f"the sandbox ended before it answered {op}")
    answer: dict[str, Any] = json.loads(line)
    return answer
