from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, Secret, converge
from toque.resources.mount import Mount
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.disks import Device, Disks, with_disks

FSTAB = "# made by the installer\nUUID=1 / ext4 errors=remount-ro 0 1\n"


def machine(
    mounts: dict[str, tuple[str, str, str]] | None = None, fstab: str = FSTAB, busy: set[str] | None = None
) -> FakeHost:
    devices = {
        "/dev/vdb": Device(contents={"TYPE": "ext4", "LABEL": "data", "UUID": "2"}),
        "/dev/vdc": Device(contents={"TYPE": "ext4", "LABEL": "logs"}),
    }
    return with_disks(devices, fstab=fstab, mounts=dict(mounts or {}), busy=busy or set())


def example_machine() -> FakeHost:
    return machine()


def fstab(host: FakeHost) -> str:
    return (host.read("/etc/fstab") or b"").decode()


def mounts(host: FakeHost) -> dict[str, tuple[str, str, str]]:
    disks = host.programs[0]
    assert isinstance(disks, Disks)
    return disks.mounts


DATA = Mount("/srv/data", device="LABEL=data", fstype="ext4", options=["noatime"], fsck_pass=2)
LINE = "LABEL=data /srv/data ext4 noatime 0 2\n"


def test_a_device_is_mounted_and_will_be_after_a_boot() -> None:
    host = machine()

    converge(DATA, host)

    assert mounts(host) == {"/srv/data": ("/dev/vdb", "ext4", "rw,noatime")}
    assert fstab(host) == FSTAB + LINE
    assert host.entry("/srv/data") is not None


def test_where_systemd_runs_it_is_told_of_the_new_line() -> None:
    host = machine()
    host.add("/run/systemd/system/x", b"")

    converge(DATA, host)

    assert "systemctl daemon-reload" in host.ran


def test_options_that_are_not_in_force_are_remounted() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw,relatime")}, FSTAB + LINE)

    converge(DATA, host)

    assert host.ran == ["mount -o remount,noatime -- /srv/data"]


def test_options_that_cannot_be_seen_are_remounted_when_the_line_changes() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw,noatime")}, FSTAB + LINE)

    converge(Mount("/srv/data", device="LABEL=data", fstype="ext4", options=["noatime", "commit=60"]), host)

    assert host.ran == ["write /etc/fstab", "mount -o remount,noatime,commit=60 -- /srv/data"]


def test_another_field_of_the_line_needs_no_remount() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw,noatime")}, FSTAB + LINE.replace("0 2", "0 0"))

    converge(DATA, host)

    assert host.ran == ["write /etc/fstab"]


def test_another_device_takes_the_place_of_the_old_one() -> None:
    host = machine({"/srv/data": ("/dev/vdc", "ext4", "rw,noatime")}, FSTAB + LINE.replace("data ", "logs ", 1))

    converge(DATA, host)

    assert mounts(host)["/srv/data"][0] == "/dev/vdb"
    assert fstab(host) == FSTAB + LINE


def test_a_device_by_another_of_its_names_is_the_same() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw,relatime")})
    host.add("/dev/disk/by-id/virtio-1", Node("link", to="/dev/vdb"))

    assert converge(Mount("/srv/data", device="UUID=2", in_fstab=None), host) is None
    assert converge(Mount("/srv/data", device="/dev/disk/by-id/virtio-1", in_fstab=None), host) is None


def test_a_place_that_is_in_use_is_the_message_of_umount() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw")}, FSTAB + LINE, busy={"/srv/data"})

    with pytest.raises(CommandFailed, match="/srv/data: target is busy"):
        converge(Mount("/srv/data", present=False), host)
    assert fstab(host) == FSTAB + LINE


def test_it_may_be_only_mounted_or_only_written_down() -> None:
    now, later = machine(), machine()

    converge(Mount("/srv/data", device="/dev/vdb", in_fstab=False), now)
    converge(Mount("/srv/data", device="/dev/vdb", mounted=False), later)

    assert fstab(now) == FSTAB
    assert mounts(later) == {}
    assert fstab(later) == f"{FSTAB}/dev/vdb /srv/data auto defaults 0 0\n"


def test_what_is_taken_away_leaves_its_folder() -> None:
    host = machine({"/srv/data": ("/dev/vdb", "ext4", "rw")}, FSTAB + LINE)
    host.add("/srv/data/lost+found/x", b"")

    converge(Mount("/srv/data", present=False), host)

    assert mounts(host) == {}
    assert fstab(host) == FSTAB
    assert host.entry("/srv/data") is not None


def test_a_blank_in_a_name_is_one_field() -> None:
    host = machine()

    converge(Mount("/srv/my data", device="/dev/vdb"), host)

    assert fstab(host).endswith("/dev/vdb /srv/my\\040data auto defaults 0 0\n")
    assert converge(Mount("/srv/my data", device="/dev/vdb"), host) is None


@pytest.mark.parametrize(
    ("path", "options", "says"),
    [
        ("data", {}, "absolute path"),
        ("/srv/data/", {"device": "/dev/vdb"}, "without a slash"),
        ("/srv/data", {}, "needs the device"),
        ("/srv/data", {"device": "-a"}, "mount device must be"),
        ("/srv/data", {"device": "/dev/vdb\n/dev/vdc"}, "mount device must be"),
        ("/srv/data", {"device": "/dev/vdb", "fstype": "ext4 0"}, "mount fstype"),
        ("/srv/data", {"device": "/dev/vdb", "options": ["ro noexec"]}, "mount options"),
        ("/srv/data", {"device": "/dev/vdb", "fsck_pass": 10}, "0 to 9"),
        ("/srv/data", {"device": "//nas/a", "options": [Secret("password=hush")]}, "must hold no Secret"),
    ],
    ids=["relative", "slash", "no-device", "option", "two-lines", "two-fields", "two-options", "pass", "secret"],
)
def test_S22_what_could_be_an_option_or_a_field_is_refused(path: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Mount(path, **options)  # type: ignore[arg-type]


CASES = [
    Case(want, partial(machine, found, text))
    for want in (
        DATA,
        Mount("/srv/data", device="LABEL=data", fstype="ext4", options=["ro", "nosuid"]),
        Mount("/srv/data", device="tmpfs", fstype="tmpfs", options=["size=64m"], in_fstab=False),
        Mount("/srv/data", device="/dev/vdb", mounted=False, in_fstab=False),
        Mount("/srv/data", device="/srv", fstype="none", options=["bind"], mounted=None),
        Mount("/srv/data", present=False),
    )
    for found, text in (
        ({}, FSTAB),
        ({"/srv/data": ("/dev/vdb", "ext4", "rw,noatime")}, FSTAB + LINE),
        ({"/srv/data": ("/dev/vdc", "ext4", "rw,relatime")}, FSTAB),
    )
]
