"""Facts that recipes give a node, from its poll to people and to the searches of other nodes."""

from __future__ import annotations

import json

from tests.server.http.fleet import Fleet
from tests.server.operations.calls import Caller
from toque.core.world import World
from toque.protocol.messages import Facts
from toque_server.domain import bag_items
from toque_server.domain.world import InstanceOf
from toque_server.store import world


def instances_of(fleet: Fleet) -> dict[str, InstanceOf]:
    with fleet.database.read() as conn:
        found = world.load(conn, fleet.services.vault, "s", account_id="123456789012")
    assert found is not None
    return {each.id: each for each in found.instances}


def shown(fleet: Fleet) -> dict[str, object]:
    [condition] = Caller(fleet.services)("DescribeConditions", InstanceId="web")["Conditions"]
    custom: dict[str, object] = condition["Facts"]["custom"]
    return custom


def test_facts_of_recipes_are_shown_and_found_by_other_nodes(fleet: Fleet) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    fleet.instance("s", "db")
    long = json.dumps("x" * 1000)

    agent.poll(facts=Facts(hostname="web", custom={"rack": '"r12"', "disks": '{"size":200}', "long": long}))

    assert shown(fleet) == {"rack": "r12", "disks": {"size": 200}, "long": "x" * 1000}
    found = instances_of(fleet)
    assert found["web"].facts == {"rack": "r12", "disks": {"size": 200}}
    assert "facts" not in bag_items.instance_item(found["db"])
    items = {each.hostname: bag_items.instance_item(each) | {"status": "online"} for each in found.values()}
    node = World(bags={"aws_opsworks_instance": items})
    assert [each["hostname"] for each in node.search("node", "facts.rack:r12")] == [found["web"].hostname]
    assert [each["hostname"] for each in node.search("node", "facts.disks.size:200")] == [found["web"].hostname]
    assert node.search("node", "facts.rack:r13") == []

    agent.poll(facts=Facts(hostname="web"))
    assert (shown(fleet), instances_of(fleet)["web"].facts) == ({}, {})


def test_S20_facts_of_an_agent_that_keeps_to_no_bounds_are_left_out(fleet: Fleet) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    many = {f"f{n:03}": "1" for n in range(100)}

    agent.poll(
        facts=Facts(custom={"../x": "1", "broken": "{", "deep": "[" * 4000, "large": '"' + "x" * 5000 + '"'} | many)
    )

    assert shown(fleet) == dict.fromkeys(sorted(many)[:64], 1)
