from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from toque.core.node import Cpu, Memory, Network, Platform
from toque.facts import FACTS, collect, cpu, memory, network, platform


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_every_fact_can_be_collected_here() -> None:
    kinds = {"cpu": Cpu, "memory": Memory, "network": Network, "platform": Platform}

    assert {name: type(collect(name)) for name in FACTS} == kinds


def test_a_name_that_is_no_fact_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match="cpu, memory, network, platform"):
        collect("weather")


@pytest.mark.parametrize(
    ("text", "count"), [("max 100000", None), ("150000 100000", 1), ("400000 100000", 4), ("5 100000", 1)]
)
def test_processors_are_those_that_the_cgroup_allows(tmp_path: Path, text: str, count: int | None) -> None:
    assert cpu.quota(put(tmp_path, {"sys/fs/cgroup/cpu.max": text})) == count


def test_memory_is_what_the_cgroup_allows(tmp_path: Path) -> None:
    meminfo = "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 1024 kB\n"
    root = put(tmp_path, {"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": str(512 << 20)})

    assert memory.collect(root) == Memory(total_mb=512, available_mb=4096, swap_mb=1)


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n', "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rhel"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "debian"),
        ("ID=alpine\n", "alpine"),
        ("", "linux"),
    ],
)
def test_a_platform_belongs_to_a_family(tmp_path: Path, release: str, family: str) -> None:
    assert platform.collect(put(tmp_path, {"etc/os-release": release})).family == family


@pytest.mark.parametrize(
    ("files", "init"),
    [
        ({"run/systemd/system/x": ""}, "systemd"),
        ({"run/openrc/softlevel": "default"}, "openrc"),
        ({"proc/1/comm": "init\n", "etc/inittab": ""}, "sysv"),
        ({"proc/1/comm": "python3\n"}, "supervisor"),
    ],
)
def test_what_starts_services_is_told_from_what_runs(tmp_path: Path, files: dict[str, str], init: str) -> None:
    assert platform.init(put(tmp_path, files)) == init


@pytest.mark.parametrize(
    ("release", "manager"), [("ID=debian\n", "apt"), ("ID=fedora\n", "dnf"), ("ID=alpine\n", "apk")], ids=str.strip
)
def test_of_several_package_managers_it_is_the_one_of_the_family(tmp_path: Path, release: str, manager: str) -> None:
    programs = dict.fromkeys(("usr/bin/apt-get", "usr/bin/dnf", "sbin/apk"), "")

    assert platform.collect(put(tmp_path, {"etc/os-release": release, **programs})).package_manager == manager
    assert platform.collect(put(tmp_path / "bare", {"etc/os-release": release})).package_manager == ""


def test_the_default_route_with_the_lowest_metric_counts(tmp_path: Path) -> None:
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth1 00000000 0200000A 0003 0 0 200 00000000 0 0 0\n"
        "eth0 00000000 0100000A 0003 0 0 100 00000000 0 0 0\n"
        "eth0 0000000A 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"
    )

    assert network.default_route(put(tmp_path, {"proc/net/route": table})) == ("10.0.0.1", "eth0")
    assert network.default_route(tmp_path / "nowhere") == ("", "")


def test_the_network_knows_this_hosts_name() -> None:
    assert collect("network").hostname == socket.gethostname().partition(".")[0]
    assert collect("platform").kernel == os.uname().release
