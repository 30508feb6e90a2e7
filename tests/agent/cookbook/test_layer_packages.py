"""The packages of a node's layers, which `toque::setup` installs before the first recipe of a user (02, L-12)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests.fakes.apt import debian
from toque.cookbook.execute import run_phase
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.shelf import Shelf
from toque.core.run import Run
from toque.core.world import World

COOKBOOKS = find_cookbooks(Path(__file__).resolve().parents[3] / "cookbooks")


def test_02_19_the_packages_of_all_its_layers_are_installed_and_of_no_others() -> None:
    wanted = {"app": ["nginx"], "shop": ["unzip", "nginx"], "other": ["git"]}
    layers = {name: {"layer_id": name, "shortname": name, "packages": each} for name, each in wanted.items()}
    host = debian()
    # The hosts file of the machine that runs the tests stays as it is.
    world = World(
        bags={"aws_opsworks_layer": layers},
        levels=[("stack", {"toque": {"manage_hosts": False}})],
        me={"hostname": "web1", "layer_ids": ["app", "shop"]},
        collect=lambda fact: SimpleNamespace(family="debian", name="debian"),
    )

    assert run_phase(Shelf(COOKBOOKS), ["toque::setup"], Run(host), world, None) == (0, "")

    [installed] = [line for line in host.ran if " install " in line]
    assert installed.endswith(" -- nginx unzip")
