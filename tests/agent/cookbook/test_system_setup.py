"""What `toque::setup` does on every instance before the first recipe of a user: packages and updates (02, L-12)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.apt import debian
from tests.fakes.host import FakeHost
from toque.cookbook.execute import run_phase
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.shelf import Shelf
from toque.core.host import Ran
from toque.core.run import Run
from toque.core.world import World

COOKBOOKS = find_cookbooks(Path(__file__).resolve().parents[3] / "cookbooks")
UPGRADE = (
    *("apt-get", "dist-upgrade", "--yes", "--quiet"),
    *("-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=600"),
)


def set_up(*levels: tuple[str, dict[str, Any]], **packages: list[str]) -> FakeHost:
    """A machine of the layers `packages` after its Setup; the file /etc/hosts of this machine is left alone."""
    host = debian()
    host.answers |= {("apt-get", "update", "--quiet"): Ran(), UPGRADE: Ran()}
    layers = {name: {"layer_id": name, "shortname": name, "packages": wanted} for name, wanted in packages.items()}
    world = World(
        bags={"aws_opsworks_layer": layers | {"other": {"layer_id": "o", "shortname": "other", "packages": ["git"]}}},
        levels=[("stack", {"toque": {"manage_hosts": False}}), *levels],
        me={"hostname": "web1", "layer_ids": list(packages)},
        collect=lambda fact: SimpleNamespace(family="debian", name="debian"),
    )
    code, reason = run_phase(Shelf(COOKBOOKS), ["toque::setup"], Run(host), world, None)
    assert code == 0, reason
    return host


def has_updated(host: FakeHost) -> bool:
    return " ".join(UPGRADE) in host.ran


def test_02_19_the_packages_of_all_its_layers_are_installed_and_of_no_others() -> None:
    host = set_up(app=["nginx"], shop=["unzip", "nginx"])

    [installed] = [line for line in host.ran if " install " in line]
    assert installed.endswith(" -- nginx unzip")


@pytest.mark.parametrize("wanted", [True, False])
def test_02_20_updates_are_installed_where_they_are_wanted(wanted: bool) -> None:
    host = set_up(("stack", {"toque": {"updates_on_boot": wanted}}), app=[])

    assert has_updated(host) is wanted


def test_02_20_the_level_of_a_layer_without_updates_goes_before_all_others() -> None:
    wanted = {"toque": {"updates_on_boot": True}}
    off = {"toque": {"updates_on_boot": False}}

    assert not has_updated(set_up(("stack", wanted), ("deployment", wanted), ("InstallUpdatesOnBoot", off), app=[]))
