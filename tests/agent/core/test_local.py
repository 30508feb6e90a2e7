"""The real machine, as far as a temporary folder and harmless programs go."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from toque.core import CommandFailed, LocalHost, Secret, converge
from toque.core.resource import Resource
from toque.resources.directory import Directory
from toque.resources.file import File
from toque.resources.link import Link


@pytest.fixture
def host() -> LocalHost:
    return LocalHost()


def test_resources_settle_on_a_real_machine(host: LocalHost, tmp_path: Path) -> None:
    wanted: list[Resource[object]] = [
        Directory(f"{tmp_path}/d", mode="0750"),  # type: ignore[list-item]
        File(f"{tmp_path}/d/a", content="x\n", mode="0640", verify=["grep", "-q", "x", "{path}"]),  # type: ignore[list-item]
        Link(f"{tmp_path}/l", to="d/a"),  # type: ignore[list-item]
        Link(f"{tmp_path}/h", to=f"{tmp_path}/d/a", symbolic=False),  # type: ignore[list-item]
    ]

    for each in wanted:
        assert converge(each, host) is not None
    for each in wanted:
        assert converge(each, host) is None

    assert [p.name for p in (tmp_path / "d").iterdir()] == ["a"]
    assert (tmp_path / "l").read_text() == "x\n"
    assert (tmp_path / "h").samefile(tmp_path / "d" / "a")


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o4755])
def test_a_file_gets_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        LocalHost().write(f"{tmp_path}/a", b"x", mode=mode)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_file_keeps_its_mode_when_none_is_given(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)

    host.write(f"{tmp_path}/a", b"new")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_write_that_fails_leaves_nothing_beside(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(IsADirectoryError):
        host.write(f"{tmp_path}/a", b"x")

    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_looking_at_what_is_not_there_is_no_error(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for path in (f"{tmp_path}/none", f"{tmp_path}/file/below"):
        assert host.entry(path) is None
        assert host.read(path) is None
        assert host.names_in(path) == []
        assert host.link_target(path) is None


def test_a_pipe_is_never_read(host: LocalHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert host.read(f"{tmp_path}/pipe") is None


def test_a_file_of_the_kernel_that_says_it_is_empty_is_read_whole(host: LocalHost) -> None:
    assert len(host.read("/proc/cpuinfo") or b"") > 10


def test_a_program_gets_input_and_environment_and_no_shell(host: LocalHost, tmp_path: Path) -> None:
    ran = host.run(
        ["sh", "-c", 'cat; echo "$X $1"', "sh", "$(id)"], input="in\n", env={"X": Secret("s")}, cwd=str(tmp_path)
    )

    assert ran.out == "in\ns $(id)\n"


def test_a_program_that_fails_says_what_it_said(host: LocalHost) -> None:
    with pytest.raises(CommandFailed, match="exit code 3\nsh said: why"):
        host.run(["sh", "-c", "echo why >&2; exit 3"])


def test_a_program_that_does_not_exist_is_127(host: LocalHost) -> None:
    with pytest.raises(CommandFailed) as failed:
        host.run(["no-such-program-at-all"])

    assert failed.value.ran.code == 127


def test_a_program_that_takes_too_long_is_killed_with_its_children(host: LocalHost) -> None:
    with pytest.raises(CommandFailed, match="exit code 124"):
        host.run(["sh", "-c", "sleep 60 & wait"], timeout=0.05)


def test_a_service_that_keeps_the_output_open_does_not_hold_up_the_run(host: LocalHost) -> None:
    ran = host.run(["sh", "-c", "setsid sleep 30 & echo $!"], timeout=10)

    os.kill(int(ran.out), 9)


def test_the_middle_of_very_long_output_is_left_out(host: LocalHost) -> None:
    ran = host.run(["sh", "-c", "echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last"])

    assert ran.out.startswith("first\n")
    assert ran.out.endswith("last\n")
    assert "bytes left out" in ran.out
    assert len(ran.out) < 2_200_000


def test_what_proc_calls_empty_is_read_whole() -> None:
    """The kernel gives a switch in one piece only, whatever its size is said to be."""
    shown = Path("/proc/sys/kernel/pid_max").read_bytes()

    assert len(shown) > 2
    assert LocalHost().read("/proc/sys/kernel/pid_max") == shown
