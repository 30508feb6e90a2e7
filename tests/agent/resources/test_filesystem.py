from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, converge
from toque.platforms.filesystem import HoldsData
from toque.resources.filesystem import Filesystem
from toque.testing.machine import FakeHost
from toque.testing.programs.disks import Device, Disks, with_disks


def machine(fstype: str = "", *, label: str = "", used_mb: int | None = None, garbage: bool = False) -> FakeHost:
    contents = {"TYPE": fstype} if fstype else {}
    return with_disks({"/dev/vdb": Device(1024, {**contents, **({"LABEL": label} if label else {})}, used_mb, garbage)})


def example_machine() -> FakeHost:
    return machine("ext4", label="data", used_mb=512)


def device(host: FakeHost) -> Device:
    disks = host.programs[0]
    assert isinstance(disks, Disks)
    return disks.devices["/dev/vdb"]


def test_an_empty_device_gets_a_file_system() -> None:
    host = machine()

    converge(Filesystem("/dev/vdb", label="data", options=["-m", "1"]), host)

    assert host.ran == ["mkfs.ext4 -q -L data -m 1 -- /dev/vdb"]


@pytest.mark.parametrize("kind", ["xfs", "ext3", "swap", "LVM2_member", "crypto_LUKS"])
def test_what_holds_something_else_is_never_formatted(kind: str) -> None:
    host = machine(kind)

    with pytest.raises(HoldsData, match=f"/dev/vdb holds {kind}, so ext4 is not made on it"):
        converge(Filesystem("/dev/vdb"), host)
    assert host.ran == []


def test_nor_are_partitions_or_bytes_that_nobody_knows() -> None:
    table, unknown = machine(), machine(garbage=True)
    device(table).contents = {"PTTYPE": "gpt"}

    with pytest.raises(HoldsData, match=r"table of partitions \(gpt\)"):
        converge(Filesystem("/dev/vdb"), table)
    with pytest.raises(HoldsData, match="data that is no known file system"):
        converge(Filesystem("/dev/vdb"), unknown)
    assert table.ran == unknown.ran == []


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs"])
def test_a_label_is_kept_and_the_data_with_it(fstype: str) -> None:
    host = machine(fstype, label="old")

    converge(Filesystem("/dev/vdb", fstype=fstype, label="data"), host)

    assert device(host).contents["LABEL"] == "data"
    assert not any(line.startswith("mkfs") for line in host.ran)


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs"])
def test_it_grows_with_its_device_where_that_is_asked_for(fstype: str) -> None:
    host, left = machine(fstype, used_mb=512), machine(fstype, used_mb=512)

    converge(Filesystem("/dev/vdb", fstype=fstype, grow=True), host)

    assert device(host).used_mb == 1024
    assert converge(Filesystem("/dev/vdb", fstype=fstype), left) is None


def test_one_that_is_in_use_grows_without_a_check() -> None:
    host = machine("ext4", used_mb=512)
    disks = host.programs[0]
    assert isinstance(disks, Disks)
    disks.mounts["/srv"] = ("/dev/vdb", "ext4", "rw")

    converge(Filesystem("/dev/vdb", grow=True), host)

    assert host.ran == ["resize2fs -- /dev/vdb"]


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="no device on this machine called '/dev/vdc' .did you mean /dev/vdb"):
        converge(Filesystem("/dev/vdc"), machine())


@pytest.mark.parametrize(
    ("path", "options", "says"),
    [
        ("vdb", {}, "absolute path"),
        ("/dev/vdb", {"fstype": "ntfs"}, "must be one of btrfs, ext2"),
        ("/dev/vdb", {"label": "-x"}, "1 to 16 letters"),
        ("/dev/vdb", {"label": "a" * 13, "fstype": "xfs"}, "1 to 12 letters"),
    ],
    ids=["relative", "kind", "option", "long"],
)
def test_what_cannot_be_made_is_refused(path: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Filesystem(path, **options)  # type: ignore[arg-type]


CASES = [
    *(
        Case(Filesystem("/dev/vdb", fstype=fstype, label="data", grow=grow), partial(machine, found, used_mb=512))
        for fstype in ("ext4", "xfs", "btrfs")
        for grow in (True, False)
        for found in ("", fstype)
    ),
    Case(Filesystem("/dev/vdb"), machine),
]
