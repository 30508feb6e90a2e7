from __future__ import annotations

import os
import signal
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import wait_for
from toque import sandbox
from toque_server.providers import LaunchOrder, MachineState, ProviderError
from toque_server.providers.sandbox import SandboxProvider

pytestmark = [pytest.mark.root, needs_root()]

ORDER = LaunchOrder(
    request_id="request-1",
    instance_id="instance-1",
    stack_id="stack-1",
    hostname="web1",
    os="Debian 12",
    instance_type="c3.large",
    persistent=True,
    server_url="http://127.0.0.1:8780",
    join_token="tqj1.token",
)


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[SandboxProvider]:
    made = SandboxProvider({}, tmp_path)
    yield made
    for path in (tmp_path / "sandboxes").glob("sb-*"):
        made.terminate(path.name)


def state_of(provider: SandboxProvider, machine_id: str) -> MachineState | None:
    found = provider.describe([machine_id]).get(machine_id)
    return found.state if found else None


def inside(tmp_path: Path, machine_id: str, *argv: str) -> str:
    return sandbox.execute(tmp_path / "sandboxes" / machine_id, argv).stdout.decode()


def test_the_same_request_gives_the_same_machine_and_another_another(provider: SandboxProvider) -> None:
    first = provider.launch(ORDER)

    assert provider.launch(ORDER) == first
    assert provider.launch(replace(ORDER, request_id="request-2", instance_id="instance-2")) != first


def test_a_machine_knows_its_server_itself_and_its_token(provider: SandboxProvider, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    machine_id = provider.launch(replace(ORDER, ca_file=str(tmp_path / "ca.pem")))

    machine = provider.describe([machine_id])[machine_id]
    settings = tomllib.loads(inside(tmp_path, machine_id, "cat", "/etc/toque/agent.toml"))
    assert settings["server_url"] == ORDER.server_url
    assert settings["provider_instance_id"] == machine_id
    assert settings["address"] == machine.private_ip
    assert inside(tmp_path, machine_id, "cat", settings["join_token_file"]) == "tqj1.token\n"
    assert inside(tmp_path, machine_id, "cat", settings["ca_file"]) == "CA"
    assert (machine.state, machine.private_dns) == (MachineState.RUNNING, "web1")


def test_the_data_directory_of_the_server_is_not_in_the_clone(provider: SandboxProvider, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("secret")
    machine_id = provider.launch(ORDER)

    assert inside(tmp_path, machine_id, "find", "/", "-xdev", "-name", "keys", "-path", f"*{tmp_path.name}*") == ""


def test_stop_and_start_keep_a_persistent_machine_its_disk_and_its_address(
    provider: SandboxProvider, tmp_path: Path
) -> None:
    machine_id = provider.launch(ORDER)
    before = provider.describe([machine_id])[machine_id]
    inside(tmp_path, machine_id, "touch", "/var/lib/kept")

    provider.stop(machine_id)
    provider.stop(machine_id)
    assert state_of(provider, machine_id) is MachineState.STOPPED
    provider.start(machine_id, ORDER)
    provider.start(machine_id, ORDER)

    assert provider.describe([machine_id])[machine_id] == before
    assert inside(tmp_path, machine_id, "ls", "/var/lib/kept") == "/var/lib/kept\n"


def test_a_new_server_process_finds_its_machines(provider: SandboxProvider, tmp_path: Path) -> None:
    machine_id = provider.launch(ORDER)

    another = SandboxProvider({}, tmp_path)

    assert state_of(another, machine_id) is MachineState.RUNNING
    assert another.launch(ORDER) == machine_id


def test_a_machine_that_was_killed_has_failed_and_can_be_stopped_and_started(
    provider: SandboxProvider, tmp_path: Path
) -> None:
    machine_id = provider.launch(ORDER)
    pid = sandbox.start(provider._spec(machine_id, ORDER))

    os.kill(pid, signal.SIGKILL)

    wait_for("its death", lambda: state_of(provider, machine_id) is MachineState.FAILED)
    assert "starts" in provider.describe([machine_id])[machine_id].detail
    provider.stop(machine_id)
    assert state_of(provider, machine_id) is MachineState.STOPPED
    provider.start(machine_id, ORDER)
    assert state_of(provider, machine_id) is MachineState.RUNNING


def test_a_terminated_machine_is_gone_with_its_disk_and_the_next_gets_its_address(
    provider: SandboxProvider, tmp_path: Path
) -> None:
    machine_id = provider.launch(replace(ORDER, persistent=False))
    address = provider.describe([machine_id])[machine_id].private_ip

    provider.terminate(machine_id)
    provider.terminate(machine_id)
    healed = provider.launch(replace(ORDER, persistent=False, request_id="request-2"))

    assert state_of(provider, machine_id) is None
    assert not (tmp_path / "sandboxes" / machine_id).exists()
    assert provider.describe([healed])[healed].private_ip == address


def test_a_reboot_is_seen_on_the_console(provider: SandboxProvider) -> None:
    machine_id = provider.launch(ORDER)

    provider.reboot(machine_id)

    wait_for("the second start", lambda: provider.console_text(machine_id).count("web1 starts") == 2)
    assert state_of(provider, machine_id) is MachineState.RUNNING


def test_rebooting_what_does_not_run_is_refused_with_its_state(provider: SandboxProvider) -> None:
    machine_id = provider.launch(ORDER)
    provider.stop(machine_id)

    with pytest.raises(ProviderError, match="is stopped"):
        provider.reboot(machine_id)
