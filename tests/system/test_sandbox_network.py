from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.needs import needs, needs_root
from tests.system.case_sandbox import Box, a_box, wait_for
from toque import sandbox

pytestmark = [pytest.mark.root, needs_root(), needs("ip")]

LISTEN = """
import socket
server = socket.create_server(("0.0.0.0", 80))
while True:
    connection, peer = server.accept()
    connection.sendall(peer[0].encode())
    connection.close()
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Box, Box]]:
    with a_box(tmp_path, "one") as one, a_box(tmp_path, "two") as other:
        for box, address in ((one, "10.253.7.1"), (other, "10.253.7.2")):
            box.start(network="own", address=address, agent_argv=("/opt/toque/bin/python", "-c", LISTEN))
        yield one, other


def answer(address: str) -> str:
    with socket.create_connection((address, 80), timeout=10) as connection:
        return connection.recv(100).decode()


def answers(address: str) -> bool:
    try:
        return answer(address) != ""
    except OSError:
        return False


def test_both_listen_on_the_same_port_and_reach_the_host_and_each_other(two: tuple[Box, Box]) -> None:
    for box in two:
        wait_for(f"an answer from {box.spec.address}", partial(answers, box.spec.address))

    assert answer("10.253.7.1") == "10.253.0.1"
    ask = "import socket; print(socket.create_connection(('10.253.7.2', 80)).recv(99).decode())"
    assert two[0].run("/opt/toque/bin/python", "-c", ask) == "10.253.7.1"


def test_inside_only_its_own_interfaces_are_seen(two: tuple[Box, Box]) -> None:
    assert set(two[0].shell("ls /sys/class/net").split()) == {"lo", "eth0"}
    assert "10.253.7.1/16" in two[0].run("ip", "-4", "address", "show", "eth0")
    assert two[0].run("getent", "hosts", "web1").split()[0] == "10.253.7.1"


def test_packages_may_start_services_there(two: tuple[Box, Box]) -> None:
    policy = Path("/usr/sbin/policy-rc.d").exists()

    assert two[0].shell("test -e /usr/sbin/policy-rc.d && echo yes || echo no") == ("yes" if policy else "no")


def test_nothing_of_the_network_is_left(two: tuple[Box, Box]) -> None:
    names = ("tq0afd0701", "tq0afd0702", "toque-10-253")
    assert all(Path(f"/sys/class/net/{name}").exists() for name in names)

    sandbox.remove(two[0].spec.directory)
    wait_for("the first pair to go", lambda: not Path(f"/sys/class/net/{names[0]}").exists())
    assert Path(f"/sys/class/net/{names[2]}").exists()
    sandbox.remove(two[1].spec.directory)

    wait_for("all to go", lambda: not any(Path(f"/sys/class/net/{name}").exists() for name in names))
