from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs, needs_root, needs_that, stop_without
from tests.system.case_sandbox import processes_in

SYSTEM_PYTHON = "/usr/bin/python3"
USER = "toque-test-user"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.root,
    needs_root(),
    needs("newuidmap", "useradd", "userdel", "usermod"),
    needs_that("/usr/bin/python3, an interpreter that every user can run", Path(SYSTEM_PYTHON).exists),
]

BEGIN = """
import os, sys
from pathlib import Path
sys.dont_write_bytecode = True
from toque import sandbox
from toque.sandbox import Spec
data = Path(sys.argv[1])
spec = Spec(name="box", directory=data / "box", hostname="web1", address="127.80.3.7", hide=(data,))
def shell(script):
    done = sandbox.execute(spec.directory, ["sh", "-c", script])
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout.decode().strip()
"""


class Nobody:
    """An ordinary user of this machine, and a place of its own with a copy of the source."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.entry = pwd.getpwnam(USER)

    def run(self, script: str) -> str:
        done = subprocess.run(
            [SYSTEM_PYTHON, "-c", BEGIN + script, str(self.place / "data")],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.place / "source")},
            user=self.entry.pw_uid,
            group=self.entry.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="toque-rootless-", dir="/var/tmp"))
    subprocess.run(["useradd", "--no-create-home", USER], check=True, capture_output=True)
    try:
        ids = ["--add-subuids", "400000-465535", "--add-subgids", "400000-465535"]
        subprocess.run(["usermod", *ids, USER], check=True, capture_output=True)
        shutil.copytree(ROOT / "agent" / "toque", made / "source" / "toque")
        (made / "data").mkdir()
        os.chown(made / "data", pwd.getpwnam(USER).pw_uid, -1)
        made.chmod(0o755)
        yield made
    finally:
        subprocess.run(["userdel", USER], check=True, capture_output=True)
        shutil.rmtree(made)


@pytest.fixture
def nobody(place: Path) -> Iterator[Nobody]:
    user = Nobody(place)
    yield user
    user.run("sandbox.remove(spec.directory)")


def test_an_ordinary_user_gets_a_clone_in_which_it_is_root(nobody: Nobody) -> None:
    said = nobody.run("""
assert sandbox.ready() is None, sandbox.ready()
sandbox.start(spec)
print(shell("id -u; hostname; cat /proc/1/comm"))
""")

    assert said.split() == ["0", "web1", "toque-init"]


def test_links_of_directories_that_are_mounted_in_parts_are_there(nobody: Nobody) -> None:
    # The data directory is in /var, so /var is such a directory; haproxy's pid file is at /var/run.
    said = nobody.run("""
sandbox.start(spec)
print(shell("readlink /var/run; touch /var/run/x.pid; ls /run/x.pid"))
""")

    assert said.split() == ["/run", "/run/x.pid"]


def test_there_users_files_and_directories_can_be_made_replaced_and_deleted(nobody: Nobody) -> None:
    said = nobody.run("""
sandbox.start(spec)
shell("useradd -m deploy && groupadd extra && usermod -aG extra deploy")
print(shell("su deploy -c 'id -un; touch ~/mine; stat -c %U ~/mine'"))
shell("mkdir -p /usr/share/new/deep /srv/www && echo x > /usr/share/new/deep/file && echo y >> /etc/profile")
shell("rm -r /usr/share/doc/bash && mv /etc/apt /etc/tpa && chown deploy /srv/www && chmod 750 /srv/www")
print(shell("cat /usr/share/new/deep/file; ls -d /usr/share/doc/bash 2>&1 | grep -c cannot; stat -c %U:%a /srv/www"))
""")

    assert said.split() == ["deploy", "deploy", "x", "1", "deploy:750"]


def test_all_sandboxes_of_a_data_directory_share_one_skeleton(nobody: Nobody) -> None:
    said = nobody.run("""
from dataclasses import replace
other = replace(spec, name="other", directory=data / "other", address="127.80.3.8")
sandbox.start(spec)
sandbox.start(other)
print(len({(data / name / "disk/skeleton").resolve() for name in ("box", "other")}))
sandbox.remove(other.directory)
""")

    assert said == "1"


def test_what_is_private_to_the_host_is_not_there_either(nobody: Nobody) -> None:
    said = nobody.run("""
(data / "secret").write_text("s")
sandbox.start(spec)
print(shell("ls -A /root /home; cut -d: -f2 /etc/shadow | sort -u"))
print(shell(f"ls -A {data} 2>/dev/null || true"), "end")
""")

    assert said.split() == ["/home:", "/root:", "*", "end"]


def test_its_disk_outlives_a_stop_and_all_of_it_can_be_removed(nobody: Nobody) -> None:
    said = nobody.run("""
sandbox.start(spec)
shell("useradd -m deploy && su deploy -c 'mkdir -m 700 ~/d && touch ~/d/f'")
sandbox.stop(spec.directory, grace=10)
print(sandbox.state(spec.directory))
sandbox.start(spec)
print(shell("stat -c %U /home/deploy/d/f"))
sandbox.remove(spec.directory)
print(sandbox.state(spec.directory), spec.directory.exists())
""")

    assert said.split() == ["stopped", "deploy", "gone", "False"]


def test_when_its_pid_1_is_killed_nothing_is_left(nobody: Nobody) -> None:
    before = Path("/proc/self/mounts").read_text()
    said = nobody.run("""
pid = sandbox.start(spec)
shell("setsid sleep 1000 & setsid sleep 1000 &")
print(os.readlink(f"/proc/{pid}/ns/pid_for_children"))
os.kill(pid, 9)
from toque.sandbox.processes import Process
process = Process.of(pid)
assert process is None or process.wait(10)
print(sandbox.state(spec.directory))
""")

    namespace, state = said.split()
    assert state == "failed"
    assert processes_in(namespace) == []
    assert Path("/proc/self/mounts").read_text() == before


def test_a_user_without_sub_ids_is_told_what_to_do(place: Path) -> None:
    said = subprocess.run(
        [SYSTEM_PYTHON, "-c", BEGIN + "print(sandbox.ready())", str(place)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(place / "source")},
        user=pwd.getpwnam("daemon").pw_uid,
        group=pwd.getpwnam("daemon").pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "user daemon has no 65536 subordinate ids" in said
    assert "sudo usermod --add-subuids" in said
    assert "--provider docker" in said


@pytest.mark.slow
def test_apt_installs_a_package_there(nobody: Nobody) -> None:
    said = nobody.run("""
sandbox.start(spec)
if sandbox.execute(spec.directory, ["apt-get", "update"]).returncode != 0:
    print("no network")
else:
    shell("DEBIAN_FRONTEND=noninteractive apt-get install -y --reinstall memcached >&2")
    print(shell("memcached -V; dpkg-query -W -f '${Status}\\n' memcached; getent passwd memcache | cut -d: -f1"))
""")

    if said == "no network":
        stop_without("Debian's packages over the network")
    version, status, user = said.splitlines()
    assert version.startswith("memcached ")
    assert (status, user) == ("install ok installed", "memcache")
