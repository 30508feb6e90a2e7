from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, NotFound, converge
from toque.resources.sysctl import Sysctl
from toque.testing.machine import FakeHost
from toque.testing.programs.kernel import with_kernel

FILE = "/etc/sysctl.d/99-toque.conf"
SWITCHES = {
    "net.ipv4.ip_forward": "0",
    "net.ipv4.tcp_rmem": "4096\t87380\t6291456",
    "net.core.somaxconn": "128",
    "net/ipv4/conf/eth0.7/forwarding": "0",
    "kernel.odd": "1",
}


def machine(conf: str = "") -> FakeHost:
    return with_kernel({FILE: conf} if conf else {}, switches=SWITCHES, locked={"kernel.odd"})


def example_machine() -> FakeHost:
    return machine()


def test_a_switch_is_set_now_and_written_down_for_the_next_boot() -> None:
    host = machine()

    converge(Sysctl("net.ipv4.ip_forward", value=1), host)

    assert "sysctl --quiet --write net.ipv4.ip_forward=1" in host.ran
    assert host.read(FILE) == b"net.ipv4.ip_forward = 1\n"


def test_other_lines_of_the_file_stay_and_doubles_of_this_key_go() -> None:
    host = machine("# by hand\nvm.swappiness=10\nnet/ipv4/ip_forward = 0\n-net.ipv4.ip_forward=0\n")

    converge(Sysctl("net.ipv4.ip_forward", value=1), host)

    assert host.read(FILE) == b"# by hand\nvm.swappiness=10\nnet.ipv4.ip_forward = 1\n"


def test_tabs_and_blanks_between_numbers_are_one() -> None:
    host = machine("net.ipv4.tcp_rmem = 4096 87380  6291456\n")

    assert converge(Sysctl("net.ipv4.tcp_rmem", value="4096 87380 6291456"), host) is None


def test_a_part_with_dots_is_written_with_slashes() -> None:
    host = machine()

    converge(Sysctl("net/ipv4/conf/eth0.7/forwarding", value=1), host)

    assert host.read("/proc/sys/net/ipv4/conf/eth0.7/forwarding") == b"1\n"


def test_only_written_down_where_now_is_false() -> None:
    host = machine()

    converge(Sysctl("net.ipv4.ip_forward", value=1, now=False), host)

    assert host.read("/proc/sys/net/ipv4/ip_forward") == b"0\n"
    assert host.read(FILE) == b"net.ipv4.ip_forward = 1\n"


def test_its_line_goes_and_a_file_that_is_then_empty_too() -> None:
    host = machine("net.ipv4.ip_forward = 1\n")

    converge(Sysctl("net.ipv4.ip_forward", present=False), host)

    assert host.read(FILE) is None


def test_a_switch_that_this_kernel_lacks_is_named_with_what_comes_close() -> None:
    with pytest.raises(NotFound, match="net.ipv4.ip_foward.* .did you mean ip_forward"):
        converge(Sysctl("net.ipv4.ip_foward", value=1), machine())


def test_a_value_that_the_kernel_refuses_is_its_own_message_and_nothing_is_written_down() -> None:
    host = machine()

    with pytest.raises(CommandFailed, match='setting key "kernel.odd": Invalid argument'):
        converge(Sysctl("kernel.odd", value=7), host)
    assert host.read(FILE) is None


@pytest.mark.parametrize("key", ["kernel.odd", "net.ipv4.no_such_key"])
def test_errors_that_are_ignored_leave_the_line_and_are_not_tried_in_every_run(key: str) -> None:
    host = machine()

    converge(Sysctl(key, value=7, ignore_error=True), host)

    assert host.read(FILE) == f"-{key} = 7\n".encode()
    assert converge(Sysctl(key, value=7, ignore_error=True), host) is None


@pytest.mark.parametrize("key", ["", "kernel", "-w", "net.ipv4..x", "net.../x", "a.b=1", "a.b\nc.d", "/proc/sys/x"])
def test_S22_a_key_that_could_be_an_option_or_a_path_is_refused(key: str) -> None:
    with pytest.raises(BadProperty, match="sysctl key must look like"):
        Sysctl(key, value=1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs a value"),
        ({"value": "1\nx = 2"}, "one line"),
        ({"value": 1, "file": "../x.conf"}, "without a folder"),
    ],
    ids=["none", "lines", "folder"],
)
def test_a_value_is_one_line_and_a_file_a_name(options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Sysctl("vm.swappiness", **options)  # type: ignore[arg-type]


CASES = [
    Case(want, partial(machine, conf))
    for want in (
        Sysctl("net.ipv4.ip_forward", value=1),
        Sysctl("net.ipv4.tcp_rmem", value="4096 131072 6291456", file="60-network.conf"),
        Sysctl("net.ipv4.ip_forward", value=1, now=False),
        Sysctl("net.ipv4.ip_forward", present=False),
        Sysctl("kernel.odd", value=7, ignore_error=True),
    )
    for conf in ("", "net.ipv4.ip_forward = 1\n", "# text\n-net.ipv4.ip_forward = 0\nvm.swappiness = 1\n")
]
