"""The agent as a service: a unit where systemd is, else an init script."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from toque.cli import agent_service
from toque.cli.agent_service import SCRIPT, UNIT, NoUnit, install
from toque.platforms.service import NotUp
from toque.testing.machine import FakeHost, Unit
from toque.testing.programs.sysv import with_scripts

COMMAND = ["/opt/toque/bin/python", "-m", "toque.daemon.main"]
OTHER = {"/etc/systemd/system/other.service": ""}
SHIPPED = Path(__file__).resolve().parents[3] / "systemd" / "toque-agent.service"


def test_with_systemd_it_is_the_shipped_unit_with_this_machine_s_interpreter() -> None:
    host = FakeHost(files=OTHER, units={"toque-agent": Unit()})

    made = install(host, COMMAND, unit=SHIPPED)

    assert made == [UNIT]
    text = (host.read(UNIT) or b"").decode()
    assert "\nExecStart=/opt/toque/bin/python -m toque.daemon.main\n" in text
    assert text.replace("/opt/toque/bin/python -m toque.daemon.main", "/usr/bin/env toque agent run") == (
        SHIPPED.read_text()
    )
    assert host.units["toque-agent"] == Unit(active=True, enabled=True)


def test_an_agent_that_runs_already_is_started_again_with_what_was_written() -> None:
    host = FakeHost(files=OTHER, units={"toque-agent": Unit(active=True, enabled=True)})

    install(host, COMMAND, unit=SHIPPED)

    assert "systemctl restart -- toque-agent" in host.ran


def test_without_systemd_it_is_an_init_script_that_a_boot_starts() -> None:
    host = with_scripts("cron")

    made = install(host, COMMAND, unit=SHIPPED)

    assert made == [SCRIPT, "/etc/rc2.d/S01toque-agent"]
    assert host.nodes[SCRIPT].mode == 0o755
    assert host.ran[-1] == "service toque-agent start"


def test_an_agent_that_does_not_stay_up_is_an_error() -> None:
    with pytest.raises(NotUp, match="toque-agent was started and does not stay up"):
        install(with_scripts("cron", broken={"toque-agent"}), COMMAND, unit=SHIPPED)


def test_what_is_no_unit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "unit").write_text("[Service]\n")

    with pytest.raises(NoUnit, match="no unit with an ExecStart line"):
        install(FakeHost(files=OTHER, units={"toque-agent": Unit()}), COMMAND, unit=tmp_path / "unit")


def test_the_script_is_one_that_a_shell_reads(tmp_path: Path) -> None:
    script = tmp_path / "toque-agent"
    script.write_text(agent_service._script(["/opt/my toque/bin/python", "-m", "it"]))

    read = subprocess.run(["sh", "-n", script], capture_output=True, text=True)
    used = subprocess.run(["sh", script, "dance"], capture_output=True, text=True)

    assert (read.returncode, read.stderr) == (0, "")
    assert "'/opt/my toque/bin/python' -m it &" in script.read_text()
    assert used.returncode == 2
    assert "{start|stop|restart|force-reload|status}" in used.stderr
