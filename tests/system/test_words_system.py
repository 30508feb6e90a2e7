"""The words for the system on a real machine: a copy of this one with its own name, mounts, network and switches."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.needs import needs, needs_root
from tests.system.case_sandbox import wait_for
from tests.system.case_whole_root import ADDRESS, HOST, WholeRoot, a_whole_root
from tests.system.case_words import apply, put, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root(), needs("nsenter", "ip", "apt-get")]

PROVES = (
    "filesystem",
    "firewall",
    "hostname",
    "hosts_entry",
    "kernel_module",
    "locale",
    "mount",
    "swap",
    "sysctl",
    "timezone",
)

PACKAGES = ("dbus", "firewalld", "kmod", "locales", "nftables", "ufw", "xfsprogs")
LISTEN = """
import selectors, socket
ready = selectors.DefaultSelector()
for port in (8081, 8082):
    ready.register(socket.create_server(("0.0.0.0", port)), selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        key.fileobj.accept()[0].close()
"""
HOSTS_OWN_NAME = Path("/proc/sys/kernel/hostname")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRoot]:
    """One for all tests here: each keeps to names of its own."""
    with a_whole_root(tmp_path_factory.mktemp("data"), PACKAGES, ("/opt/toque/bin/python", "-c", LISTEN)) as made:
        yield made
        made.shell("swapoff /mnt/swap/file 2>/dev/null || true")


def test_the_machine_answers_by_its_new_name_and_the_host_keeps_its_own(box: WholeRoot) -> None:
    before = HOSTS_OWN_NAME.read_text()

    apply(box, "from toque import hostname\nhostname('shop1', fqdn='shop1.example.org')\n")

    assert box.run("uname", "-n") == "shop1"
    assert box.run("cat", "/etc/hostname") == "shop1"
    assert box.run("getent", "hosts", "shop1") == "127.0.1.1       shop1.example.org shop1"
    assert HOSTS_OWN_NAME.read_text() == before


def test_names_of_addresses_are_found_until_they_are_taken_away(box: WholeRoot) -> None:
    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.7", names=["db.internal", "db"], comment="the database")
        hosts_entry("caches", section={"10.1.0.8": ["cache1"], "fd00::9": ["cache2"]})
        """,
    )
    assert box.run("getent", "hosts", "db").split() == ["10.1.0.7", "db.internal", "db"]
    assert box.run("getent", "hosts", "cache2").split() == ["fd00::9", "cache2"]

    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.70", names=["db"])
        hosts_entry("caches", section={"10.1.0.8": ["cache1"]})
        """,
    )
    assert box.run("getent", "hosts", "db").split() == ["10.1.0.70", "db"]
    assert "cache2" not in box.run("cat", "/etc/hosts")

    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.70", present=False)
        hosts_entry("10.1.0.7", present=False)
        hosts_entry("caches", present=False)
        """,
    )
    assert box.shell("getent hosts db cache1; grep -c Toque /etc/hosts || true") == "0"


def test_programs_show_the_time_of_the_zone(box: WholeRoot) -> None:
    apply(box, "from toque import timezone\ntimezone('Asia/Tokyo')\n")

    assert box.run("date", "+%Z %z") == "JST +0900"
    assert box.run("cat", "/etc/timezone") == "Asia/Tokyo"


def test_a_switch_holds_at_once_and_stands_in_the_file_that_sysctl_loads(box: WholeRoot) -> None:
    recipe = """
        from toque import sysctl
        sysctl("net.ipv4.ip_local_port_range", value="20000 50000")
        sysctl("net.ipv4.conf.lo.forwarding", value=1, file="60-own.conf")
        sysctl("net.ipv4.no_such_switch", value=1, ignore_error=True)
        """
    apply(box, recipe)
    assert box.run("sysctl", "-n", "net.ipv4.ip_local_port_range").split() == ["20000", "50000"]
    assert box.run("cat", "/proc/sys/net/ipv4/conf/lo/forwarding") == "1"

    box.run("sysctl", "-w", "net.ipv4.ip_local_port_range=32768 60999")
    # As when the machine boots; of the key that this kernel lacks procps says so, and goes on.
    assert "net.ipv4.ip_local_port_range = 20000 50000" in box.shell(
        "sysctl --load=/etc/sysctl.d/99-toque.conf || true"
    )
    assert "0 would change" in toque(box, "plan", recipe)[1]

    apply(
        box,
        """
        from toque import sysctl
        sysctl("net.ipv4.ip_local_port_range", present=False)
        sysctl("net.ipv4.no_such_switch", present=False)
        """,
    )
    assert box.shell("ls /etc/sysctl.d | grep toque || true") == ""


def test_a_value_that_the_kernel_refuses_fails_with_its_message(box: WholeRoot) -> None:
    code, said = toque(box, "apply", "from toque import sysctl\nsysctl('net.ipv4.ip_default_ttl', value=999)\n")

    assert code == 1
    assert 'setting key "net.ipv4.ip_default_ttl"' in said


@pytest.fixture(scope="module")
def disk(box: WholeRoot) -> str:
    """A loop device, which the kernel treats like any other disk."""
    return box.loop_device(48, "disk")


def test_an_empty_device_gets_a_file_system_that_is_mounted_by_its_label(box: WholeRoot, disk: str) -> None:
    recipe = f"""
        from toque import filesystem, mount
        filesystem("{disk}", fstype="ext4", label="toquedata")
        mount("/srv/data", device="LABEL=toquedata", fstype="ext4", options=["noatime", "nodev"], fsck_pass=2)
        """
    apply(box, recipe)
    box.shell("echo kept >/srv/data/file")

    assert box.run("findmnt", "-no", "SOURCE,FSTYPE", "/srv/data").split() == [disk, "ext4"]
    assert {"noatime", "nodev"} <= set(box.run("findmnt", "-no", "OPTIONS", "/srv/data").split(","))
    assert box.run("blkid", "-p", "-s", "LABEL", "-o", "value", disk) == "toquedata"
    assert "LABEL=toquedata /srv/data ext4 noatime,nodev 0 2" in box.run("cat", "/etc/fstab")

    said = apply(box, recipe.replace('"noatime", "nodev"', '"noatime", "ro"'))
    assert "options" in said
    assert "ro" in box.run("findmnt", "-no", "OPTIONS", "/srv/data").split(",")
    assert box.run("cat", "/srv/data/file") == "kept"

    apply(box, "from toque import mount\nmount('/srv/data', present=False)\n")
    assert box.shell("findmnt /srv/data || grep srv/data /etc/fstab || echo gone") == "gone"


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_a_file_system_grows_with_its_device_and_keeps_what_is_in_it(box: WholeRoot, fstype: str) -> None:
    device = box.loop_device(320, f"grows-{fstype}")
    apply(box, f"from toque import filesystem\nfilesystem('{device}', fstype='{fstype}')\n")
    box.shell(f"mkdir -p /mnt/{fstype} && mount {device} /mnt/{fstype} && echo kept >/mnt/{fstype}/file")
    before = int(box.run("stat", "-f", "-c", "%b", f"/mnt/{fstype}"))
    box.shell(f"umount /mnt/{fstype} && truncate -s 400M /srv/grows-{fstype}.img && losetup -c {device}")

    apply(
        box,
        f"from toque import filesystem\nfilesystem('{device}', fstype='{fstype}', grow=True, label='big{fstype}')\n",
    )

    box.run("mount", f"LABEL=big{fstype}", f"/mnt/{fstype}")
    assert int(box.run("stat", "-f", "-c", "%b", f"/mnt/{fstype}")) > before * 1.15
    assert box.run("cat", f"/mnt/{fstype}/file") == "kept"
    box.run("umount", f"/mnt/{fstype}")


def test_a_device_with_data_is_never_formatted(box: WholeRoot) -> None:
    other, unknown = box.loop_device(8, "other"), box.loop_device(8, "unknown")
    box.run("mkfs.ext2", "-q", other)
    box.shell(f"printf precious | dd of={unknown} bs=1 seek=70000 status=none")
    before = box.shell(f"sha256sum {other} {unknown}")

    for device, holds in ((other, "holds ext2"), (unknown, "holds data that is no known file system")):
        code, said = toque(box, "apply", f"from toque import filesystem\nfilesystem('{device}', fstype='ext4')\n")
        assert code == 1
        assert holds in said
        assert "dd if=/dev/zero" in said

    assert box.shell(f"sha256sum {other} {unknown}") == before


def test_a_folder_and_memory_are_mounted_too(box: WholeRoot) -> None:
    apply(
        box,
        """
        from toque import directory, file, mount
        directory("/srv/real", mode="0755")
        file("/srv/real/here", content="x")
        mount("/srv/seen", device="/srv/real", fstype="none", options=["bind"])
        mount("/srv/memory", device="tmpfs", fstype="tmpfs", options=["size=4m", "mode=0700"], in_fstab=False)
        """,
    )
    assert box.run("cat", "/srv/seen/here") == "x"
    assert box.run("stat", "-f", "-c", "%T %b", "/srv/memory") == "tmpfs 1024"

    apply(box, "from toque import mount\nmount('/srv/seen', present=False)\nmount('/srv/memory', present=False)\n")
    assert box.shell("findmnt /srv/seen || findmnt /srv/memory || ls /srv/seen") == ""


def test_a_file_is_swapped_to_and_given_back(box: WholeRoot) -> None:
    """On a disk of its own, for the root of a sandbox is an overlay, to which Linux cannot swap.

    `swappiness` is the whole kernel's and not a namespace's, so it is not touched here.
    """
    device = box.loop_device(32, "swap")
    box.shell(f"mkfs.ext4 -q {device} && mkdir /mnt/swap && mount {device} /mnt/swap")

    apply(box, "from toque import swap\nswap('/mnt/swap/file', size_mb=4)\n")
    assert [line.split()[2] for line in box.run("cat", "/proc/swaps").splitlines() if "/mnt/swap" in line] == ["4088"]
    assert box.run("stat", "-c", "%a", "/mnt/swap/file") == "600"

    apply(box, "from toque import swap\nswap('/mnt/swap/file', size_mb=8)\n")
    assert "/mnt/swap/file none swap sw 0 0" in box.run("cat", "/etc/fstab")

    apply(box, "from toque import swap\nswap('/mnt/swap/file', present=False)\n")
    assert box.shell("grep -h mnt/swap /proc/swaps /etc/fstab; ls /mnt/swap") == "lost+found"
    box.run("umount", "/mnt/swap")


def is_open(port: int) -> bool:
    """Whether the host reaches this port of the sandbox, over the bridge between the two."""
    try:
        with socket.create_connection((ADDRESS, port), timeout=1.5):
            return True
    except OSError:
        return False


@contextmanager
def knocking_back() -> Iterator[int]:
    """A port of the host: whoever connects is told whether its own port 8081 can be reached."""
    with socket.create_server((HOST, 0)) as server:
        server.settimeout(60)

        def answer() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as asked:
                        asked.sendall(b"open" if is_open(8081) else b"shut")

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


ASK = "import socket, sys; sys.exit(socket.create_connection(('{host}', {port}), 3).recv(9) != b'open')"


def a_firewall(backend: str, rules: str, port: int, within: float = 10) -> str:
    probe = ["/opt/toque/bin/python", "-c", ASK.format(host=HOST, port=port)]
    return f"""
        from toque import firewall
        firewall({rules}, backend="{backend}", probe={probe!r}, probe_within={within})
        """


@pytest.fixture(scope="module")
def firewalld(box: WholeRoot) -> None:
    """firewalld needs a system bus, and no systemd; both end with the sandbox."""
    box.shell("mkdir -p /run/dbus && dbus-daemon --system --fork --nopidfile && setsid firewalld >/dev/null 2>&1")
    wait_for("firewalld to answer", lambda: box.execute(["firewall-cmd", "--state"]).returncode == 0)


@pytest.mark.parametrize("backend", ["nftables", "ufw", "firewalld"])
def test_a_port_is_shut_and_open_as_the_rules_say_and_stays_open_when_new_ones_lock_out(
    box: WholeRoot, backend: str, request: pytest.FixtureRequest
) -> None:
    if backend == "firewalld":
        request.getfixturevalue("firewalld")
        box.run("firewall-cmd", "--set-default-zone=trusted")
    wait_for("the sandbox to listen", lambda: is_open(8081) and is_open(8082))
    with knocking_back() as port:
        rules = '[{"port": "8081-8082"}, {"source": "10.252.0.0/16", "port": 8082, "action": "reject", "order": 1}]'
        apply(box, a_firewall(backend, rules, port))
        assert (is_open(8081), is_open(8082)) == (True, False)

        code, said = toque(box, "apply", a_firewall(backend, '[{"port": 8082}]', port, within=0))
        assert code == 1
        assert "did not succeed within 0 s: the old rules are back" in said
        assert (is_open(8081), is_open(8082)) == (True, False)

    if backend == "nftables":
        # As when the machine boots.
        box.shell("nft flush ruleset && nft --file /etc/nftables.conf")
        assert (is_open(8081), is_open(8082)) == (True, False)

    code, said = toque(box, "apply", f"from toque import firewall\nfirewall(present=False, backend='{backend}')\n")
    assert code == 0, said
    if backend == "firewalld":
        box.shell("firewall-cmd --get-default-zone | grep -x public && pkill -x firewalld")
    wait_for("nothing to be blocked any more", lambda: is_open(8081) and is_open(8082))


def test_where_an_agent_is_new_rules_must_let_it_reach_its_server(box: WholeRoot) -> None:
    recipe = "from toque import firewall\nfirewall([{'port': 8081}], probe_within=0)\n"
    with knocking_back() as port:
        put(box, "/etc/toque/agent.toml", f'server_url = "http://{HOST}:{port}"\n'.encode())
        assert toque(box, "apply", recipe)[0] == 0
    box.run("nft", "delete", "table", "inet", "toque")

    code, said = toque(box, "apply", recipe)

    assert code == 1
    assert f"a connection to the Toque server at {HOST}:{port} did not succeed" in said
    assert is_open(8082)
    box.run("rm", "/etc/toque/agent.toml")


def test_programs_speak_the_language_that_was_generated(box: WholeRoot) -> None:
    apply(
        box,
        """
        from toque import locale
        locale("de_DE.UTF-8", lc={"LC_MESSAGES": "C.UTF-8"})
        """,
    )

    assert box.run("env", "LC_ALL=de_DE.UTF-8", "date", "--date=2026-01-05", "+%A") == "Montag"
    assert box.run("cat", "/etc/default/locale") == "LANG=de_DE.UTF-8\nLC_MESSAGES=C.UTF-8"

    apply(box, "from toque import locale\nlocale('C.UTF-8', lc={'LC_MESSAGES': ''})\n")
    assert box.run("cat", "/etc/default/locale") == "LANG=C.UTF-8"


def test_what_modprobe_shall_do_is_what_it_reads(box: WholeRoot) -> None:
    """A module is the whole kernel's, so none is loaded here (and many a virtual machine's kernel can load none).

    What is real is what modprobe makes of the files, and the modules that are built in.
    """
    apply(
        box,
        """
        from toque import kernel_module
        kernel_module("toque_odd", loaded=None, persistent=True, blacklisted=True, options={"depth": "7"})
        """,
    )
    read = box.run("modprobe", "--showconfig").splitlines()
    assert "options toque_odd depth=7" in read
    assert "blacklist toque_odd" in read
    assert box.run("cat", "/etc/modules-load.d/toque-toque_odd.conf").splitlines()[-1] == "toque_odd"

    code, said = toque(box, "apply", "from toque import kernel_module\nkernel_module('toque_odd')\n")
    assert code == 1
    assert "modprobe said: modprobe: FATAL: Module toque_odd not found" in said

    apply(box, "from toque import kernel_module\nkernel_module('toque_odd', present=False)\n")
    assert "toque_odd" not in box.run("modprobe", "--showconfig")
    assert box.shell("ls /etc/modules-load.d /etc/modprobe.d | grep toque || true") == ""


def test_a_module_that_is_built_in_is_there_and_cannot_go(box: WholeRoot) -> None:
    built_in = box.shell("for each in /sys/module/*; do test -e $each/initstate || basename $each; done").splitlines()[
        0
    ]

    assert "0 would change" in toque(box, "plan", f"from toque import kernel_module\nkernel_module('{built_in}')\n")[1]
    code, said = toque(box, "apply", f"from toque import kernel_module\nkernel_module('{built_in}', loaded=False)\n")
    assert code == 1
    assert "is built into this kernel and cannot be unloaded" in said
