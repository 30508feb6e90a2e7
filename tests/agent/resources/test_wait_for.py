from __future__ import annotations

import socket
from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, LocalHost, Ran, converge
from toque.core.host import WebAnswer
from toque.resources.wait_for import NotReady, WaitFor
from toque.testing.machine import FakeHost

URL = "http://127.0.0.1:8080/health"


class Running:
    def look(self, argv: list[str], host: FakeHost) -> Ran | None:
        return Ran(code=0 if argv[-1] == "nginx" else 1) if argv[0] == "pgrep" else None

    def do(self, argv: list[str], host: FakeHost) -> Ran | None:
        return None


def machine() -> FakeHost:
    return FakeHost(
        files={"/srv/ready": ""},
        programs=[Running()],
        web={URL: WebAnswer(200, body=b"all is well")},
        listening={("127.0.0.1", 5432)},
    )


THERE = [
    WaitFor("x", port=5432),
    WaitFor("x", url=URL, contains="well"),
    WaitFor("x", path="/srv/ready"),
    WaitFor("x", process="nginx"),
    WaitFor("x", command=["true"]),
    WaitFor("x", until=lambda: True),
    WaitFor("x", path="/srv/lock", absent=True),
    WaitFor("x", port=1, absent=True),
]
NOT_THERE = [
    (WaitFor("x", port=1, timeout=0.01), "127.0.0.1 port 1 does not answer: Connection refused"),
    (WaitFor("x", url=URL, status=[204], timeout=0.01), "answers 200"),
    (WaitFor("x", url=URL, contains="ill", timeout=0.01), "answers without the text"),
    (WaitFor("x", url="http://nobody/", timeout=0.01), "does not answer"),
    (WaitFor("x", path="/srv/nothing", timeout=0.01), "/srv/nothing does not exist"),
    (WaitFor("x", process="apache2", timeout=0.01), "no program apache2 runs"),
    (WaitFor("x", command=["false"], timeout=0.01), "false ends with exit code 1"),
    (WaitFor("x", until=lambda: False, timeout=0.01), "it is not so"),
    (WaitFor("x", path="/srv/ready", absent=True, timeout=0.01), "/srv/ready is still there"),
]


@pytest.mark.parametrize("want", THERE, ids=range(len(THERE)))
def test_what_is_ready_is_not_waited_for(want: WaitFor) -> None:
    assert converge(want, machine()) is None


@pytest.mark.parametrize(("want", "said"), NOT_THERE, ids=range(len(NOT_THERE)))
def test_what_does_not_come_in_time_says_how_it_looked_at_last(want: WaitFor, said: str) -> None:
    with pytest.raises(NotReady, match=said):
        converge(want, machine())


def test_it_goes_on_as_soon_as_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    host, slept = FakeHost(), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            host.listening.add(("127.0.0.1", 80))

    monkeypatch.setattr(WaitFor, "sleep", staticmethod(sleep))
    change = converge(WaitFor("the shop", port=80, interval=0.5), host)

    assert change is not None
    assert slept == [0.5, 0.5, 0.5]


def test_on_a_real_machine_a_port_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert converge(WaitFor("the port", port=port), LocalHost()) is None
    with pytest.raises(NotReady, match="Connection refused"):
        converge(WaitFor("the port", port=port, timeout=0.01), LocalHost())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "got none"),
        ({"port": 1, "path": "/x"}, "got port and path"),
        ({"port": 70000}, "1 to 65535"),
        ({"path": "/x", "timeout": 0.0}, "more than 0"),
    ],
    ids=["nothing", "two", "port", "timeout"],
)
def test_one_thing_is_waited_for(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        WaitFor("x", **given)  # type: ignore[arg-type]


CASES = [Case(want, partial(machine)) for want in THERE]


def example_machine() -> FakeHost:
    return FakeHost(listening={("db1", 5432)}, web={"http://127.0.0.1:8080/health": WebAnswer(200, body=b"ok")})
