from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toque.core import CommandFailed
from toque.platforms.service import pid1
from toque.platforms.service.supervisor import Places
from toque.sandbox import places as sandbox


class Answering:
    """A socket that answers each request with the next of the given lines, and notes what it was asked."""

    def __init__(self, path: str, answers: list[bytes]) -> None:
        self.path, self.asked = path, list[Any]()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(path)
        self._listening.listen()
        threading.Thread(target=self._serve, args=[answers], daemon=True).start()

    def _serve(self, answers: list[bytes]) -> None:
        for answer in answers:
            connection, _ = self._listening.accept()
            with connection, connection.makefile("rb") as lines:
                self.asked.append(json.loads(lines.readline()))
                connection.sendall(answer)


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="toque-") as folder:
        yield f"{folder}/init.sock"


def test_both_ends_of_the_control_socket_agree() -> None:
    places = Places()

    assert Path(pid1.SOCKET) == sandbox.SOCKET
    assert Path(places.socket) == sandbox.SUPERVISOR_SOCKET
    assert Path(places.config) == sandbox.SUPERVISOR_CONFIG
    assert Path(places.programs) == sandbox.SUPERVISOR_PROGRAMS


def test_a_service_is_asked_for_by_name_and_action(path: str) -> None:
    end = Answering(path, [b'{"code": 0, "output": "Starting nginx: nginx."}\n'])

    said = pid1.service("nginx", "start", at=path)

    assert said == "Starting nginx: nginx."
    assert end.asked == [{"op": "service", "name": "nginx", "action": "start"}]


def test_what_the_script_said_is_in_the_error(path: str) -> None:
    Answering(path, [b'{"code": 5, "output": "there is no /etc/init.d/nginx"}\n'])

    with pytest.raises(CommandFailed, match=r"there is no /etc/init\.d/nginx") as failed:
        pid1.service("nginx", "start", at=path)

    assert failed.value.ran.code == 5


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b"{}\n", b"[1]\n", b'{"code": 0}\n'])
def test_an_end_that_does_not_answer_sensibly_is_an_error_that_says_where(path: str, answer: bytes) -> None:
    Answering(path, [answer])

    with pytest.raises(pid1.NoAnswer, match=r"does not answer on .*init\.sock"):
        pid1.supervisor(at=path)


def test_no_sandbox_is_an_error_that_says_where(path: str) -> None:
    with pytest.raises(pid1.NoAnswer, match="does not answer"):
        pid1.service("nginx", "start", at=path)
