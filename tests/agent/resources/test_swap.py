from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.platforms.filesystem import HoldsData
from toque.resources.swap import Swap
from toque.testing.machine import FakeHost
from toque.testing.programs.disks import Device, Disks
from toque.testing.programs.kernel import Kernel

FSTAB = "UUID=1 / ext4 defaults 0 1\n"


def machine(size_mb: int = 0, *, active: bool = True, device: Device | None = None) -> FakeHost:
    """One with a swap file of this size; 0: none."""
    disks = Disks(
        {"/dev/vdc": device or Device(), **({"/swapfile": Device(contents={"TYPE": "swap"})} if size_mb else {})}
    )
    host = FakeHost(files={"/etc/fstab": FSTAB, "/proc/sys/vm/swappiness": "60\n"}, programs=[disks, Kernel()])
    host.add("/proc/swaps", "Filename Type Size Used Priority\n")
    host.add("/dev/vdc", b"")
    host.nodes["/dev/vdc"].kind = "other"
    if size_mb:
        host.add("/swapfile", b"\0" * (size_mb << 20))
        if active:
            host.add("/proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1020 0 -2\n")
    return host


def example_machine() -> FakeHost:
    return machine()


def test_a_file_is_made_used_and_written_down() -> None:
    host = machine()

    converge(Swap("/swapfile", size_mb=2, swappiness=10), host)

    assert host.ran[:3] == [
        "dd if=/dev/zero of=/swapfile bs=1M count=2 status=none",
        "mkswap -- /swapfile",
        "swapon -- /swapfile",
    ]
    assert host.read("/etc/fstab") == f"{FSTAB}/swapfile none swap sw 0 0\n".encode()
    assert host.read("/etc/sysctl.d/99-toque.conf") == b"vm.swappiness = 10\n"
    assert host.read("/proc/sys/vm/swappiness") == b"10\n"


def test_a_file_of_another_size_is_made_anew() -> None:
    host = machine(1)

    converge(Swap("/swapfile", size_mb=2), host)

    assert host.ran[:2] == ["swapoff -- /swapfile", "remove /swapfile"]
    assert "swapon -- /swapfile" in host.ran


def test_one_that_is_not_in_use_is_only_used() -> None:
    host = machine(1, active=False)

    converge(Swap("/swapfile", size_mb=1, persistent=None), host)

    assert host.ran == ["swapon -- /swapfile"]


def test_an_empty_device_is_used_whole() -> None:
    host = machine()

    converge(Swap("/dev/vdc"), host)

    assert host.ran == ["mkswap -- /dev/vdc", "swapon -- /dev/vdc", "write /etc/fstab"]


def test_a_device_or_file_with_data_is_left_alone() -> None:
    device, file = machine(device=Device(contents={"TYPE": "ext4"})), machine()
    file.add("/swapfile", b"letters")

    with pytest.raises(HoldsData, match="/dev/vdc holds ext4"):
        converge(Swap("/dev/vdc"), device)
    for want in (Swap("/swapfile", size_mb=1), Swap("/swapfile", present=False)):
        with pytest.raises(HoldsData, match="not made for swapping"):
            converge(want, file)
    assert device.ran == file.ran == []


def test_what_is_taken_away_leaves_nothing() -> None:
    host = machine()
    converge(Swap("/swapfile", size_mb=1), host)

    converge(Swap("/swapfile", present=False), host)

    assert host.read("/swapfile") is None
    assert host.read("/etc/fstab") == FSTAB.encode()
    assert host.read("/proc/swaps") == b"Filename Type Size Used Priority\n"


@pytest.mark.parametrize(
    ("path", "options", "says"),
    [
        ("swapfile", {"size_mb": 1}, "absolute path"),
        ("/swapfile", {}, "needs size_mb"),
        ("/swapfile", {"size_mb": 0}, "1 to"),
        ("/dev/vdc", {"size_mb": 1}, "a device whole"),
        ("/swap\nfile", {"size_mb": 1}, "one line"),
        ("/swapfile", {"size_mb": 1, "swappiness": 201}, "0 to 200"),
    ],
    ids=["relative", "no-size", "zero", "device", "two-lines", "swappiness"],
)
def test_what_cannot_be_is_refused(path: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Swap(path, **options)  # type: ignore[arg-type]


CASES = [
    Case(want, partial(machine, size, active=active))
    for want in (
        Swap("/swapfile", size_mb=2),
        Swap("/swapfile", size_mb=1, persistent=False, swappiness=1),
        Swap("/swapfile", present=False),
        Swap("/dev/vdc", persistent=None),
        Swap("/dev/vdc", present=False),
    )
    for size, active in ((0, False), (1, True), (1, False))
]
