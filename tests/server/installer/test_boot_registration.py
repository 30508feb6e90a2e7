"""The shell part of the installer: which Python it takes, what it installs, how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import toque_server.installer

SCRIPT = Path(toque_server.installer.__file__).with_name("boot-registration")
# Knows Toque where $KNOWS says so, and can make a virtual environment that does; it writes down how it was called.
PYTHON = """#!/bin/sh
echo "$0 $*" >>"$LOG"
case "$*" in
    *version_info*) exit "$OLD" ;;
    *"import toque"*) case "$KNOWS" in *" $0 "*) exit 0 ;; esac; exit 1 ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *"-m pip"*) exit "$PIP" ;;
    "-m toque.cli.boot_registration "*) echo "made $TOQUE_INSTALLER_MADE" >>"$LOG"; exit "$ENDS" ;;
esac
"""


@dataclass
class Machine:
    root: Path

    def __post_init__(self) -> None:
        self.programs, self.home, self.log = self.root / "bin", self.root / "opt", self.root / "log"
        self.folder = self.root / "tmp" / "opsworks-agent-installer"
        for each in (self.programs, self.folder):
            each.mkdir(parents=True)
        for name in ("cat", "cp", "dirname", "grep", "mkdir", "rm", "sh", "tr"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.program("id", "#!/bin/sh\necho 0\n")
        self.python = self.program("python3", PYTHON)
        shutil.copy(SCRIPT, self.folder / "boot-registration")
        (self.folder / "toque-1.0-py3-none-any.whl").touch()

    def program(self, name: str, text: str) -> Path:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *argv: str, knows: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"LOG": str(self.log), "KNOWS": f" {knows} ", "OLD": "0", "PIP": "0", "ENDS": "0"} | environment
        return subprocess.run(
            argv or [str(self.folder / "boot-registration")],
            env={"PATH": str(self.programs), "TOQUE_INSTALL_TO": str(self.home), **settings},
            capture_output=True,
            text=True,
        )

    @property
    def called(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        return [each for each in lines if "version_info" not in each and "import toque" not in each]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_python_that_has_toque_is_taken_as_it_is(machine: Machine) -> None:
    done = machine.run(knows=str(machine.python))

    assert done.returncode == 0, done.stderr
    assert machine.called == [f"{machine.python} -m toque.cli.boot_registration {machine.folder}", "made "]
    assert not machine.home.exists()


def test_the_one_that_the_operator_names_goes_first(machine: Machine) -> None:
    other = machine.program("other", PYTHON)

    machine.run(knows=f"{machine.python} {other}", TOQUE_PYTHON=str(other))

    assert machine.called[0].startswith(f"{other} -m toque.cli.boot_registration")


def test_else_one_is_made_with_the_wheels_that_came_along(machine: Machine) -> None:
    (machine.folder / "wheels").mkdir()

    done = machine.run()

    assert done.returncode == 0, done.stderr
    made = f"{machine.home}/bin/python"
    wheels = f"--find-links {machine.folder}/wheels {machine.folder}/toque-1.0-py3-none-any.whl"
    assert machine.called == [
        f"{machine.python} -m venv {machine.home}",
        f"{made} -m pip --disable-pip-version-check install --quiet --upgrade {wheels}",
        f"{made} -m toque.cli.boot_registration {machine.folder}",
        f"made {machine.home}",
    ]


def test_one_of_a_former_release_is_brought_up_to_date(machine: Machine) -> None:
    (machine.home / "bin").mkdir(parents=True)
    former = machine.home / "bin" / "python"
    shutil.copy(machine.python, former)

    assert machine.run().returncode == 0

    assert machine.called[0].startswith(f"{former} -m pip")
    assert machine.called[-1] == "made "


def test_a_failed_installation_says_what_to_do_and_leaves_nothing_behind(machine: Machine) -> None:
    done = machine.run(PIP="1")

    assert done.returncode == 1
    assert "set one up in /etc/pip.conf, or" in done.stderr
    assert not machine.home.exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"OLD": "1"}, "has no Python 3.11 or newer: install one", id="an old Python"),
        pytest.param({}, "is there, and holds no Python: move it away", id="something else in its place"),
    ],
)
def test_what_is_missing_is_said(machine: Machine, environment: dict[str, str], said: str) -> None:
    machine.home.mkdir()

    done = machine.run(**environment)

    assert done.returncode == 1
    assert said in done.stderr
    assert machine.home.exists()


def test_it_must_be_root(machine: Machine) -> None:
    machine.program("id", "#!/bin/sh\necho 1000\n")

    done = machine.run(knows=str(machine.python))

    assert (done.returncode, done.stderr) == (1, "boot-registration: this must run as root\n")


@pytest.mark.parametrize("ends", ["0", "1"])
def test_a_failure_is_one_to_the_client_whose_script_ends_with_a_clean_up(machine: Machine, ends: str) -> None:
    folder = machine.folder.parent

    done = machine.run(
        "/bin/sh",
        "-c",
        f"{folder}/opsworks-agent-installer/boot-registration; rm -rf {folder}",
        knows=str(machine.python),
        ENDS=ends,
    )

    assert (done.returncode == 0) is (ends == "0")
    assert not folder.exists()


def test_a_shell_that_asks_for_the_status_is_left_alone(machine: Machine) -> None:
    script = f"{machine.folder}/boot-registration || echo it ended with $?"

    done = machine.run("/bin/sh", "-c", script, knows=str(machine.python), ENDS="1")

    assert (done.returncode, done.stdout) == (0, "it ended with 1\n")
    assert machine.folder.exists()
    assert os.access(SCRIPT, os.X_OK)
