"""The balancer in memory: what it is told of, when it reloads, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from toque.core.errors import BadData, NotLoadable
from toque.testing import FakeNode, MakeNode, SamePlan, Stopped

CONF = "/etc/haproxy/haproxy.cfg"
TYPES = {"aws_opsworks_layer": {"app": {"type": "python-app"}, "db": {"type": "db-master"}}}
PEERS = {
    "app1": {"layers": ["app"], "private_ip": "10.0.0.21"},
    "app2": {"layers": ["app"], "private_ip": "10.0.0.22", "status": "stopped"},
    "db1": {"layers": ["db"], "private_ip": "10.0.0.31"},
}


def balancer(fake_node: MakeNode, *, refuses: bool = False, **settings: Any) -> FakeNode:
    node = fake_node(layers=["lb"], peers=PEERS, bags=TYPES, attributes={"haproxy": settings})
    said = "[ALERT] proxy 'x' has no server" if refuses else ""
    node.answers(["haproxy", "-c", "-f", "*"], err=said, code=1 if refuses else 0)
    return node


def test_setup_installs_it_and_keeps_it_running(fake_node: MakeNode) -> None:
    node = balancer(fake_node)

    run = node.converge("haproxy::default")

    assert node.package("haproxy").installed
    assert node.service("haproxy").running
    assert node.service("haproxy").enabled
    assert node.file(CONF).mode == "0640"
    run.again()


def test_setup_is_the_plan_that_was_looked_at(fake_node: MakeNode, same_plan: SamePlan) -> None:
    same_plan(balancer(fake_node).plan("haproxy::default"))


def test_requests_go_to_the_app_instances_that_are_online_and_to_no_others(fake_node: MakeNode) -> None:
    node = balancer(fake_node, backend_port=8080)

    node.converge("haproxy::default")

    servers = [line.strip() for line in node.file(CONF).lines if line.startswith("    server ")]
    assert servers == ["server app1 10.0.0.21:8080 check"]


def test_it_listens_on_the_nodes_own_address(fake_node: MakeNode) -> None:
    node = balancer(fake_node, port=8081)

    node.converge("haproxy::default")

    assert "    bind 10.0.0.10:8081" in node.file(CONF).lines


def test_a_new_app_instance_makes_it_reload_and_not_restart(fake_node: MakeNode) -> None:
    before = balancer(fake_node)
    before.converge("haproxy::default")
    files = {CONF: before.file(CONF).text}
    peers = {**PEERS, "app3": {"layers": ["app"], "private_ip": "10.0.0.23"}}
    node = fake_node(layers=["lb"], peers=peers, bags=TYPES, packages=["haproxy"], files=files)
    node.answers(["haproxy", "-c", "-f", "*"])

    run = node.converge("haproxy::configure")

    assert "+    server app3 10.0.0.23:80 check" in run.resource("template", CONF).diff
    assert run.actions == ["service[haproxy].reload"]


def test_configure_changes_nothing_while_the_instances_stay_the_same(fake_node: MakeNode) -> None:
    node = balancer(fake_node)
    node.converge("haproxy::default")

    assert not node.converge("haproxy::configure").changed


def test_a_configuration_that_haproxy_refuses_is_not_put_in_place(fake_node: MakeNode) -> None:
    node = balancer(fake_node, refuses=True)

    with pytest.raises(Stopped, match="has no server"):
        node.converge("haproxy::default")

    assert not node.file(CONF).exists


@pytest.mark.parametrize(("password", "served"), [("", False), ("hush", True)])
def test_statistics_are_served_with_a_password_only(fake_node: MakeNode, password: str, served: bool) -> None:
    node = balancer(fake_node, stats_enabled=True, stats_password=password)

    node.converge("haproxy::default")

    assert ("listen statistics" in node.file(CONF).lines) is served


def test_a_port_that_is_no_number_is_refused_by_its_name(fake_node: MakeNode) -> None:
    node = balancer(fake_node, port="80")

    with pytest.raises(BadData, match=r"haproxy\.port: must be a whole number"):
        node.converge("haproxy::default")


def test_stop_stops_it(fake_node: MakeNode) -> None:
    node = fake_node(packages=["haproxy"], services={"haproxy": "running"})

    run = node.converge("haproxy::stop")

    assert not node.service("haproxy").running
    run.again()


def test_it_refuses_a_platform_that_it_does_not_know(fake_node: MakeNode) -> None:
    node = fake_node("alpine")

    with pytest.raises(NotLoadable, match="cookbook haproxy is for debian; this is alpine"):
        node.converge("haproxy::default")
