"""When a Setup installs updates of the operating system (02 § 9, L-12; 03 § 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from toque_server.domain.command import Command
from toque_server.domain.os_updates import due
from toque_server.domain.world import InstanceOf, LayerOf, StackOf, World
from toque_server.settings import UpdatesOnBoot

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def setup(**changes: Any) -> Command:
    values = {"id": "c", "stack_id": "s", "instance_id": "i", "cause_id": "e", "type": "setup", "created_at": NOW}
    return Command(**{**values, "args": {"after_boot": True}, **changes})


def is_due(
    command: Command,
    *,
    instance: bool = True,
    layers: tuple[bool, ...] = (True, True),
    obeyed: UpdatesOnBoot = "machines",
    provider: str = "ec2",
) -> bool:
    made = [LayerOf(id=f"l{n}", name="l", shortname=f"l{n}", install_updates_on_boot=on) for n, on in enumerate(layers)]
    other = LayerOf(id="other", name="other", shortname="other", install_updates_on_boot=False)
    stack = StackOf(id="s", name="s", arn="arn", region="r")
    ids = tuple(each.id for each in made)
    me = InstanceOf(
        id="i", hostname="i", layer_ids=ids, status="online", created_at=NOW, install_updates_on_boot=instance
    )
    return due(command, me, World(change=1, stack=stack, layers=(*made, other)), obeyed=obeyed, provider=provider)


def test_02_L12_the_setup_after_a_boot_installs_updates() -> None:
    assert is_due(setup())


def test_02_20_false_on_the_instance_or_on_any_of_its_layers_suppresses_updates() -> None:
    assert not is_due(setup(), instance=False)
    assert not is_due(setup(), layers=(True, False))


def test_updates_are_never_installed_while_an_instance_is_online() -> None:
    assert not is_due(setup(args={}))
    assert not is_due(setup(type="configure"))
    assert not is_due(setup(type="update_custom_cookbooks", args={}))


@pytest.mark.parametrize(
    ("obeyed", "provider", "installs"),
    [
        ("machines", "ec2", True),
        ("machines", "sandbox", False),
        ("machines", "docker", False),
        ("always", "sandbox", True),
        ("never", "ec2", False),
    ],
)
def test_an_installation_says_where_updates_are_installed(obeyed: UpdatesOnBoot, provider: str, installs: bool) -> None:
    assert is_due(setup(), obeyed=obeyed, provider=provider) is installs
