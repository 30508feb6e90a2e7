from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs_root, needs_that
from tests.system.case_sandbox import Box, a_box, wait_for
from toque import sandbox
from toque.sandbox.control import request
from toque.sandbox.places import SOCKET

pytestmark = [pytest.mark.root, needs_root()]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with a_box(tmp_path) as made:
        yield made


# -- what is inside


def test_a_clone_has_its_own_names_processes_and_places(box: Box) -> None:
    box.start()

    assert box.run("hostname") == "web1"
    assert box.run("getent", "hosts", "web1").split() == ["127.80.3.7", "web1"]
    assert box.run("cat", "/proc/1/comm") == "toque-init"
    assert int(box.shell("ls -d /proc/[0-9]* | wc -l")) < 8
    assert box.shell("findmnt -n -o FSTYPE /tmp; findmnt -n -o FSTYPE /run").split() == ["tmpfs", "tmpfs"]
    assert box.shell("ls /tmp /home /root") == "/home:\n\n/root:\n\n/tmp:"


def test_what_is_private_to_the_host_is_not_in_the_clone(box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "hidden" / "deep"
    secret.mkdir(parents=True)
    (secret / "key").write_text("secret")
    kept = Path("/srv") / f"toque-test-{os.getpid()}"
    kept.mkdir()
    (kept / "key").write_text("secret")

    try:
        box.start(hide=(tmp_path, kept))

        assert box.shell(f"ls -A {kept}") == ""
        assert "key" not in box.shell(f"ls -R {tmp_path} 2>/dev/null || true")
        assert {line.split(":")[1] for line in box.shell("cat /etc/shadow").splitlines()} <= {"*", ""}
        assert box.shell("ls /etc/ssh/ssh_host_*_key 2>/dev/null || true") == ""
    finally:
        (kept / "key").unlink()
        kept.rmdir()


def test_the_host_sees_no_mount_and_no_change(box: Box, tmp_path: Path) -> None:
    before = Path("/proc/self/mounts").read_text()

    box.start()
    box.shell("echo changed > /etc/toque-test && rm /etc/debian_version && useradd -m tester")

    assert Path("/proc/self/mounts").read_text() == before
    assert not Path("/etc/toque-test").exists()
    assert Path("/etc/debian_version").exists()
    assert "tester" not in Path("/etc/passwd").read_text()
    assert box.run("stat", "-c", "%U", "/home/tester") == "tester"


def test_toque_and_its_packages_are_there_without_leaving_a_trace_in_the_environment(box: Box) -> None:
    box.start()

    code = "import sys, toque, cryptography, psutil; print(toque.__file__, sys.prefix)"
    assert box.run("/opt/toque/bin/python", "-I", "-c", code) == "/opt/toque/site/toque/__init__.py /opt/toque"
    assert box.shell("env | grep ^PYTHON || true") == ""
    assert box.shell("touch /opt/toque/bin/new 2>/dev/null || echo refused") == "refused"
    assert box.run("su", "-s", "/bin/sh", "nobody", "-c", "/opt/toque/bin/python -c 'print(1)'") == "1"


def test_psutil_inside_sees_only_what_is_inside(box: Box) -> None:
    box.start(agent_argv=("/bin/sleep", "1000"))

    names = box.run("/opt/toque/bin/python", "-c", "import psutil; print(*[p.name() for p in psutil.process_iter()])")

    assert set(names.split()) == {"toque-init", "sleep", "python"}


def test_root_inside_can_neither_mount_nor_make_devices_nor_turn_the_hosts_switches(box: Box) -> None:
    box.start()

    for attempt in (
        "mount -t tmpfs none /mnt",
        "umount /opt/toque",
        "mknod /root/disk b 8 0",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo h > /proc/sysrq-trigger",
        "mkdir /sys/fs/cgroup/toque-test",
        "ip link add toque-test type dummy",
    ):
        assert box.shell(f"({attempt}) 2>/dev/null && echo done || echo refused") == "refused", attempt


@needs_that("/usr/bin/python3", Path("/usr/bin/python3").exists)
def test_the_systems_own_interpreter_does_as_well(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.system.case_sandbox import a_box
with a_box(Path(sys.argv[1])) as box:
    box.start()
    print(box.run("/opt/toque/bin/python", "-I", "-c", "import sys, toque; print(sys.version); print(toque.__file__)"))
"""
    seen = subprocess.run(
        ["/usr/bin/python3", "-c", script, str(tmp_path)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'agent'}"},
        capture_output=True,
        text=True,
    )
    version = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version)"], capture_output=True, text=True
    )

    assert seen.stdout == f"{version.stdout}/opt/toque/site/toque/__init__.py\n", seen.stderr


def test_a_wheel_that_is_installed_in_a_virtual_environment_does_as_well(tmp_path: Path) -> None:
    # What a wheel leaves behind: the package beside its dependencies, and no source tree anywhere.
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next((venv / "lib").glob("python3*/site-packages"))
    shutil.copytree(ROOT / "agent/toque", site / "toque", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "click").mkdir()
    (site / "click/__init__.py").write_text("here = True")
    script = """
import sys
from pathlib import Path
from toque import sandbox
spec = sandbox.Spec(name="box", directory=Path(sys.argv[1]), hostname="web1", address="127.80.3.7")
try:
    sandbox.start(spec)
    code = "import toque, click; print(toque.__file__, click.__file__)"
    print(sandbox.execute(spec.directory, ["/opt/toque/bin/python", "-I", "-c", code]).stdout.decode())
finally:
    sandbox.remove(spec.directory)
"""

    argv = [str(venv / "bin/python"), "-c", script, str(tmp_path / "box")]
    seen = subprocess.run(argv, env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True, text=True)

    files = "/opt/toque/site/toque/__init__.py /opt/toque/packages/0/click/__init__.py"
    assert seen.stdout.strip() == files, seen.stderr


def test_files_and_binds_are_laid_out_before_anything_runs(box: Box, tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "HEAD").write_text("ref")

    box.start(
        files={"/etc/toque/join-token": (b"t0ken", 0o600)},
        binds={"/srv/repo": tmp_path / "repo"},
        agent_argv=("/bin/sh", "-c", "stat -c '%a %U' /etc/toque/join-token > /run/seen; exec sleep 1000"),
    )

    wait_for("the agent to have looked", lambda: box.shell("cat /run/seen || true") != "")
    assert box.run("cat", "/run/seen") == "600 root"
    assert box.shell("cat /srv/repo/HEAD; echo x > /srv/repo/HEAD || true") == "ref"
    assert (tmp_path / "repo" / "HEAD").read_text() == "ref"


# -- its disk


def test_a_persistent_disk_outlives_a_stop_and_a_kill(box: Box) -> None:
    box.start()
    box.shell("echo one > /var/lib/kept; echo two > /home/kept; rm -r /etc/apt; echo x > /tmp/gone")
    sandbox.stop(box.spec.directory, grace=10)
    assert box.state == "stopped"
    box.start()
    sandbox.kill(box.spec.directory)
    box.start()

    assert box.shell("cat /var/lib/kept /home/kept") == "one\ntwo"
    assert box.shell("ls -d /etc/apt /tmp/gone 2>/dev/null || true") == ""


def test_a_disposable_disk_is_fresh_at_each_start(box: Box) -> None:
    box.start(persistent=False)
    box.shell("echo one > /var/lib/kept; rm -r /etc/apt")
    sandbox.stop(box.spec.directory, grace=10)
    box.start()

    assert box.shell("ls /var/lib/kept 2>/dev/null; ls -d /etc/apt") == "/etc/apt"


def test_where_the_file_system_carries_no_overlay_the_disk_is_in_memory_bounded_and_says_so(tmp_path: Path) -> None:
    # An overlay cannot be the upper layer of another one.
    script = f"""
import sys
sys.path[:0] = {[str(ROOT), str(ROOT / "agent")]!r}
from pathlib import Path
from tests.system.case_sandbox import a_box
from toque.sandbox import console_text, linux
linux.unshare(linux.CLONE_NEWNS)
linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
data = Path({str(tmp_path)!r})
for name in ("upper", "work", "merged", "lower"):
    (data / name).mkdir()
linux.mount("overlay", data / "merged", "overlay",
            data=f"lowerdir={{data}}/lower,upperdir={{data}}/upper,workdir={{data}}/work")
with a_box(data / "merged") as box:
    box.start(size_limit_mb=16)
    box.shell("head -c 40M /dev/zero > /var/tmp/big 2>/dev/null || true")
    print("full" if int(box.run("stat", "-c", "%s", "/var/tmp/big")) <= 16 * 1024 * 1024 else "unbounded")
    print(sum("the disk is in memory (16m)" in line for line in console_text(box.spec.directory).splitlines()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.split() == ["full", "1"], done.stderr


# -- PID 1


def test_an_agent_that_dies_is_started_again(box: Box) -> None:
    box.start(agent_argv=("/bin/sh", "-c", "echo $$ >> /run/agents; exec sleep 1000"))

    def agents() -> list[str]:
        return box.shell("cat /run/agents || true").split()

    wait_for("the first agent", lambda: len(agents()) == 1)
    box.run("kill", "-9", agents()[0])

    wait_for("the second agent", lambda: len(agents()) == 2)


def test_a_run_that_its_agent_left_behind_goes_on_and_is_reaped(box: Box) -> None:
    orphan = "setsid sh -c 'sleep 0.3; echo done > /run/orphan' & exit 0"
    box.start()
    box.run("sh", "-c", orphan)

    wait_for("the orphan's work", lambda: box.shell("cat /run/orphan 2>/dev/null || true") == "done")
    wait_for("no zombies", lambda: "Z" not in box.shell("ps -e -o stat="))


def test_a_service_is_a_child_of_pid_1_and_comes_back_after_a_reboot(box: Box) -> None:
    box.start()
    script = (
        "#!/bin/sh\ncase $1 in\n"
        "start) echo starting; start-stop-daemon --start --background --make-pidfile --pidfile /run/demo.pid "
        "--exec /bin/sleep -- 12345;;\n"
        "stop) echo stopped >> /var/lib/demo-stops; kill $(cat /run/demo.pid);;\n"
        "status) kill -0 $(cat /run/demo.pid);;\nesac\n"
    )
    box.run("sh", "-c", 'printf %s "$1" > /etc/init.d/demo && chmod 755 /etc/init.d/demo', "sh", script)
    asked = (
        "import json; from toque.sandbox.control import request;"
        "print(json.dumps([request('service', name='demo', action=a) for a in ('status', 'start', 'status')]))"
    )

    before, started, after = json.loads(box.run("/opt/toque/bin/python", "-c", asked))

    assert before["code"] != 0
    assert started == {"code": 0, "output": "starting\n"}
    assert after["code"] == 0
    parent = box.shell("ps -o ppid= -p $(cat /run/demo.pid)")
    assert parent == "1"

    sandbox.reboot(box.spec.directory)

    wait_for("the service after the reboot", lambda: _up_again(box))
    assert box.run("cat", "/var/lib/demo-stops") == "stopped"


def _up_again(box: Box) -> bool:
    try:
        done = sandbox.execute(box.spec.directory, ["/etc/init.d/demo", "status"])
    except sandbox.SandboxError:  # in the middle of the reboot nobody answers
        return False
    return done.returncode == 0 and "web1 starts" in sandbox.console_text(box.spec.directory).partition("reboot")[2]


def test_a_service_that_is_not_there_is_answered_with_what_to_do(box: Box) -> None:
    box.start()

    answer = request("service", at=Path(f"/proc/{box.pid}/root{SOCKET}"), name="nothere", action="start")

    assert answer["code"] == 5
    assert "install the package" in answer["output"]


def test_only_root_inside_may_ask_pid_1(box: Box) -> None:
    box.start()

    ask = 'import socket; socket.socket(socket.AF_UNIX).connect("/run/toque/init.sock")'
    seen = box.run("su", "-s", "/bin/sh", "nobody", "-c", f"/opt/toque/bin/python -c '{ask}' 2>&1 | tail -1")

    assert "PermissionError" in seen


def test_supervisord_is_started_when_it_is_first_asked_for(box: Box) -> None:
    box.start()
    assert box.shell("pgrep -x supervisord || true") == ""

    at = Path(f"/proc/{box.pid}/root{SOCKET}")
    answer = request("supervisor", at=at)

    assert answer == {"code": 0, "output": "/etc/toque/supervisord.conf"}
    box.shell("printf '[program:app]\\ncommand=sleep 999\\n' > /etc/toque/supervisor.d/app.conf")
    box.run("/opt/toque/bin/supervisorctl", "-c", answer["output"], "update")
    wait_for("the program", lambda: box.shell("pgrep -x sleep || true") != "")


def test_nonsense_on_the_control_socket_is_answered_and_survived(box: Box) -> None:
    box.start()
    at = Path(f"/proc/{box.pid}/root{SOCKET}")

    assert request("dance", at=at)["code"] == 2
    assert request("service", at=at)["code"] == 2
    assert request("execute", at=at, argv=[])["code"] == 2
    assert request("execute", at=at, argv=["/not/there"])["code"] == 127
    assert box.run("echo", "still here") == "still here"


def test_a_reboot_keeps_the_disk_and_ends_every_process(box: Box) -> None:
    box.start(agent_argv=("/bin/sh", "-c", "echo boot >> /var/lib/boots; exec sleep 1000"))
    box.shell("sleep 777 & echo x > /tmp/gone; echo y > /var/lib/kept")
    ids = box.shell("cat /proc/sys/kernel/random/boot_id /etc/machine-id").split()

    sandbox.reboot(box.spec.directory)

    def boots() -> str:
        try:
            return box.shell("cat /var/lib/boots")
        except sandbox.SandboxError:
            return ""

    wait_for("the second boot", lambda: boots() == "boot\nboot")
    assert box.shell("pgrep -f '^sleep 777' || true; ls /tmp; cat /var/lib/kept") == "y"
    assert box.state == "running"
    boot, machine = box.shell("cat /proc/sys/kernel/random/boot_id /etc/machine-id").split()
    assert (boot != ids[0], machine) == (True, ids[1])
    assert boot != Path("/proc/sys/kernel/random/boot_id").read_text().strip()
