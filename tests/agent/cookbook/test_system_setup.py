"""What `toque::setup` does on every instance before the first recipe of a user: packages and updates (02, L-12)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from toque.cookbook.execute import run_phase
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.shelf import Shelf
from toque.core.run import Run
from toque.core.world import World
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian

COOKBOOKS = find_cookbooks(Path(__file__).resolve().parents[3] / "cookbooks")


def set_up(
    *levels: tuple[str, dict[str, Any]], updates: bool = False, manager: str = "apt", **packages: list[str]
) -> FakeHost:
    """A machine of the layers `packages` after its Setup; the file /etc/hosts of this machine is left alone.

    `updates`: whether the command says that they are to be installed.
    """
    host = debian(installed={"git": "2.30"})
    layers = {name: {"layer_id": name, "shortname": name, "packages": wanted} for name, wanted in packages.items()}
    command = {"id": "c", "type": "setup", "args": {"app_ids": [], **({"install_updates": True} if updates else {})}}
    world = World(
        bags={
            "aws_opsworks_layer": layers | {"other": {"layer_id": "o", "shortname": "other", "packages": ["git"]}},
            "aws_opsworks_command": {"c": command},
        },
        levels=[("stack", {"toque": {"manage_hosts": False}}), *levels],
        me={"hostname": "web1", "layer_ids": list(packages)},
        collect=lambda fact: SimpleNamespace(name="debian", package_manager=manager),
    )
    code, reason = run_phase(Shelf(COOKBOOKS), ["toque::setup"], Run(host), world, None)
    assert code == 0, reason
    return host


def updates_of(host: FakeHost) -> list[str]:
    return [line.rpartition(" ")[2] for line in host.ran if line.endswith((" update", " dist-upgrade"))]


def test_02_19_the_packages_of_all_its_layers_are_installed_and_of_no_others() -> None:
    host = set_up(app=["nginx"], shop=["unzip", "nginx"])

    [installed] = [line for line in host.ran if " install " in line]
    assert installed.endswith(" -- nginx unzip")


def test_02_L12_the_setup_after_a_boot_brings_every_package_up_to_date() -> None:
    assert updates_of(set_up(updates=True, app=[])) == ["update", "dist-upgrade"]


def test_02_20_a_setup_that_is_not_told_to_installs_no_updates_whatever_json_says() -> None:
    wanted = {"toque": {"updates_on_boot": True}}

    assert updates_of(set_up(("stack", wanted), ("deployment", wanted), app=[])) == []


def test_the_attribute_toque_updates_on_boot_keeps_updates_away() -> None:
    assert updates_of(set_up(("layer/app", {"toque": {"updates_on_boot": False}}), updates=True, app=[])) == []


def test_a_system_whose_packages_nobody_knows_is_set_up_without_updates() -> None:
    assert updates_of(set_up(updates=True, manager="", app=[])) == []


HOSTS = "127.0.0.1 localhost\n10.9.9.9 by-hand\n"
BLOCK = """\
# begin of the block that Toque keeps: the online instances of the stack
10.0.0.1 web1.localdomain web1
10.0.0.2 web2
203.0.113.2 web2-ext
# end of the block that Toque keeps
"""


def instance(number: int, status: str = "online", public_ip: str = "") -> dict[str, str]:
    return {"hostname": f"web{number}", "private_ip": f"10.0.0.{number}", "public_ip": public_ip, "status": status}


def test_03_I4_the_names_of_the_online_instances_are_a_section_of_the_hosts_file() -> None:
    host = debian({"/etc/hosts": HOSTS})
    instances = {"web1": instance(1), "web2": instance(2, public_ip="203.0.113.2"), "web3": instance(3, "stopped")}

    def configure(recipe: str) -> str:
        world = World(
            bags={"aws_opsworks_instance": instances},
            me={"hostname": "web1", "private_ip": "10.0.0.1", "layer_ids": []},
            collect=lambda fact: SimpleNamespace(family="debian", name="debian"),
        )
        code, reason = run_phase(Shelf(COOKBOOKS), [f"toque::{recipe}"], Run(host), world, None)
        assert code == 0, reason
        return (host.read("/etc/hosts") or b"").decode()

    assert configure("configure") == HOSTS + BLOCK
    del instances["web2"]
    assert configure("configure") == HOSTS + "".join(BLOCK.splitlines(keepends=True)[i] for i in (0, 1, 4))
