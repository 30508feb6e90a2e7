"""The system's own tasks in memory, those that keep to the machine they are given."""

from __future__ import annotations

import pytest

from toque.testing import MakeNode

SOURCE = {"type": "git", "url": "https://git.test/shop.git", "revision": "v2"}
NO_HOSTS = {"toque": {"manage_hosts": False}}


def test_setup_installs_the_packages_of_the_nodes_layers_and_of_no_others(fake_node: MakeNode) -> None:
    layers = {"web": {"packages": ["nginx", "unzip"]}}
    other = {"aws_opsworks_layer": {"db": {"layer_id": "layer-db", "shortname": "db", "packages": ["mariadb-server"]}}}
    node = fake_node(layers=layers, bags=other, attributes=NO_HOSTS)

    run = node.converge("toque::setup")

    assert node.package("nginx").installed
    assert node.package("unzip").installed
    assert not node.package("mariadb-server").installed
    run.again()


def test_a_deploy_says_which_apps_it_is_about(fake_node: MakeNode) -> None:
    apps = [{"shortname": "shop", "app_source": SOURCE}, {"shortname": "blog", "deploy": False}]

    run = fake_node(apps=apps).converge("toque::deploy")

    assert "app shop: git https://git.test/shop.git v2" in run.log
    assert "blog" not in run.log


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_an_app_whose_service_is_named_by_the_attributes_is_commanded(fake_node: MakeNode, action: str) -> None:
    attributes = {"deploy": {"shop": {"service": {"systemd_unit": "shop"}}}}
    node = fake_node(apps=[{"shortname": "shop"}], attributes=attributes, services={"shop": "running"})

    run = node.converge(f"toque::{action}")

    assert run.notified("shop", action)
    assert node.service("shop").running is (action != "stop")


def test_an_app_without_a_service_is_said_so_and_is_no_failure(fake_node: MakeNode) -> None:
    run = fake_node(apps=[{"shortname": "shop"}]).converge("toque::restart")

    assert "shop has no service to restart: nothing was done" in run.log


def test_the_last_step_of_a_run_says_whose_run_is_over(fake_node: MakeNode) -> None:
    assert "web7: the run is over" in fake_node(hostname="web7").converge("toque::cleanup").log
