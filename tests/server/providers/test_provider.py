from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from toque_server.providers import LaunchOrder, MachineState, ProviderError, provider_for
from toque_server.providers.registered import RegisteredProvider
from toque_server.providers.sandbox import SandboxProvider


@dataclass(frozen=True)
class Region:
    provider: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    data_dir: Path
    found: Region

    def region(self, name: str) -> Region:
        return self.found


ORDER = LaunchOrder(
    request_id="r1",
    instance_id="i1",
    stack_id="s1",
    hostname="web1",
    os="Debian 12",
    instance_type="c3.large",
    persistent=True,
    server_url="http://127.0.0.1:8780",
    join_token="tqj1.x",
)


def test_a_region_gets_the_provider_its_settings_name(tmp_path: Path) -> None:
    assert isinstance(provider_for("here", Settings(tmp_path, Region("sandbox"))), SandboxProvider)
    assert isinstance(provider_for("here", Settings(tmp_path, Region("registered"))), RegisteredProvider)


def test_the_same_settings_give_the_same_provider(tmp_path: Path) -> None:
    plain, own = Settings(tmp_path, Region("sandbox")), Settings(tmp_path, Region("sandbox", {"network": "own"}))

    assert provider_for("a", plain) is provider_for("b", plain)
    assert provider_for("a", own) is not provider_for("a", plain)


def test_a_provider_nobody_has_installed_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"no provider 'moon'.*regions") as refused:
        provider_for("here", Settings(tmp_path, Region("moon")))

    assert not refused.value.retriable


def test_a_registered_machine_is_never_switched(tmp_path: Path) -> None:
    provider = RegisteredProvider({}, tmp_path)

    for act in (provider.stop, provider.terminate, provider.reboot):
        with pytest.raises(ProviderError, match="do it on the machine") as refused:
            act("m1")
        assert not refused.value.retriable
    with pytest.raises(ProviderError, match="web1 is a registered machine"):
        provider.launch(ORDER)
    with pytest.raises(ProviderError, match="cannot be started"):
        provider.start("m1", ORDER)


def test_a_registered_machine_is_taken_to_run(tmp_path: Path) -> None:
    assert RegisteredProvider({}, tmp_path).describe(["m1"])["m1"].state is MachineState.RUNNING


def test_looking_at_sandboxes_that_are_not_there_touches_nothing(tmp_path: Path) -> None:
    provider = SandboxProvider({}, tmp_path)

    assert provider.describe(["sb-1"]) == {}
    assert provider.console_text("sb-1") == ""
    provider.terminate("sb-1")
    with pytest.raises(ProviderError, match="there is no sandbox sb-1"):
        provider.stop("sb-1")
    assert list(tmp_path.iterdir()) == []


def test_S22_an_id_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="not the id of a sandbox"):
        SandboxProvider({}, tmp_path).terminate("sb-/../../etc")
