from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from toque import once
from toque.core import NotFound, Run
from toque.core.attributes import Append, Delete
from toque.core.errors import BadData
from toque.core.node import Cpu
from toque.core.secret import Secret
from toque.core.world import World
from toque.testing.machine import FakeHost

BAGS: dict[str, Any] = {
    "aws_opsworks_layer": {"web": {"layer_id": "l-1"}, "lb": {"layer_id": "l-2"}},
    "aws_opsworks_instance": {
        "web1": {
            "hostname": "web1",
            "status": "online",
            "layer_ids": ["l-2", "l-1"],
            "private_ip": "10.0.0.1",
            "self": True,
        },
        "web2": {"hostname": "web2", "status": "running_setup", "layer_ids": ["l-1"], "private_ip": "10.0.0.2"},
    },
    "aws_opsworks_app": {"shop": {"name": "Shop", "app_source": {"url": "https://x", "password": "correct-horse"}}},
    "aws_opsworks_stack": {"s": {"region": "eu-1"}},
}


def test_06_20_levels_merge_in_order() -> None:
    levels = [("stack", {"a": {"x": 1, "y": 1}}), ("layer", {"a": {"x": 2}}), ("deployment", {"a": {"z": 3}})]

    assert World(levels=levels).node["a"] == {"x": 2, "y": 1, "z": 3}


def test_08_11_tags_are_an_empty_map_where_nobody_set_any() -> None:
    assert World().node["tags"] == {}
    assert World().node.get("tags.Stage", "test") == "test"


@pytest.mark.parametrize(
    ("weak", "strong", "result"),
    [
        ([1, 2], [3], (3,)),  # 06, check 21
        ({"a": 1}, None, None),
        ({"a": 1}, 5, 5),
        (5, {"a": 1}, {"a": 1}),
    ],
)
def test_what_is_no_map_replaces(weak: Any, strong: Any, result: Any) -> None:
    assert World(levels=[("stack", {"k": weak}), ("app", {"k": strong})]).node["k"] == result


def test_attributes_are_reached_by_key_by_name_and_by_path() -> None:
    node = World(levels=[("stack", {"deploy": {"shop": {"port": 80}}, "a.b": 1})]).node

    assert node["deploy"]["shop"]["port"] == node.deploy.shop.port == node.get("deploy.shop.port") == 80
    assert node.get("deploy.blog.port", 81) == 81
    assert node.get("a.b") == 1
    assert "deploy" in node
    assert json.dumps(node["deploy"]) == '{"shop": {"port": 80}}'


@pytest.mark.parametrize(
    "change",
    [
        lambda node: node["a"].update(x=1),
        lambda node: node["a"].__setitem__("x", 1),
        lambda node: setattr(node["a"], "x", 1),
        lambda node: node["a"]["l"].append(1),
    ],
)
def test_attributes_are_read_only(change: Any) -> None:
    node = World(levels=[("stack", {"a": {"x": 0, "l": []}})]).node

    with pytest.raises((TypeError, AttributeError)):
        change(node)

    assert copy.deepcopy(node["a"]) == {"x": 0, "l": ()}


def test_a_missing_attribute_names_the_nearest() -> None:
    node = World(levels=[("stack", {"deploy": {}})]).node

    with pytest.raises(KeyError, match="did you mean deploy"):
        node["deply"]
    with pytest.raises(AttributeError, match="did you mean deploy"):
        _ = node.deply


def test_a_node_knows_its_place() -> None:
    node = World(bags=BAGS).node

    assert node.hostname == "web1"
    assert node.ip == "10.0.0.1"
    assert node.layers == ["lb", "web"]
    assert node.apps[0].app_source.url == "https://x"


def test_a_fact_is_collected_when_first_asked_for_and_once() -> None:
    asked: list[str] = []
    cpu = Cpu(2, "x", "y")
    node = World(collect=lambda name: asked.append(name) or cpu).node  # type: ignore[func-returns-value]

    assert asked == []
    assert node.cpu.count + node.cpu.count == 4
    assert asked == ["cpu"]


def test_06_4_2_the_node_index_has_the_instances_online() -> None:
    (found,) = World(bags=BAGS).search("node", "*:*")

    assert found.name == "web1"
    assert found.ip == "10.0.0.1"
    assert found.layers == found.role == ["lb", "web"]
    assert found.region == "eu-1"


def test_06_26_custom_json_brings_data_bags() -> None:
    levels = [("stack", {"opsworks": {"data_bags": {"myapp": {"mysql": {"user": "a", "port": 1}}}}})]
    levels += [("layer", {"opsworks": {"data_bags": {"myapp": {"mysql": {"user": "b"}}}}})]
    world = World(bags={"myapp": {"mysql": {"host": "h"}}}, levels=levels)

    assert world.item("myapp", "mysql") == {"id": "mysql", "host": "h", "user": "b", "port": 1}
    assert world.names("myapp") == ["mysql"]


def test_06_27_a_bag_of_the_platform_cannot_be_brought() -> None:
    with pytest.raises(BadData, match="aws_opsworks_app"):
        World(levels=[("stack", {"opsworks": {"data_bags": {"aws_opsworks_app": {}}}})])


def test_06_28_custom_json_never_changes_what_the_platform_says() -> None:
    world = World(bags=BAGS, levels=[("stack", {"aws_opsworks_stack": {"s": {"region": "mars"}}})])

    assert world.item("aws_opsworks_stack", "s").region == "eu-1"


def test_what_the_server_marked_comes_out_as_a_secret() -> None:
    world = World(bags=BAGS, masked=["correct-horse"])

    assert isinstance(world.item("aws_opsworks_app", "shop").app_source.password, Secret)
    assert isinstance(world.node.apps[0].app_source.password, Secret)


def test_an_item_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"no item in data bag aws_opsworks_app 'shpo' \(did you mean shop"):
        World(bags=BAGS).item("aws_opsworks_app", "shpo")


@pytest.mark.parametrize(
    ("levels", "seen"),
    [
        pytest.param([{"a": ["x"]}, {"a": Append(["y"])}], {"a": ("x", "y")}, id="append"),
        pytest.param([{"a": Append(["x"])}, {"a": Append(["y"])}], {"a": ("x", "y")}, id="append-to-an-append"),
        pytest.param([{"a": Append(["x"])}, {"a": ["y"]}], {"a": ("y",)}, id="a-list-replaces-it"),
        pytest.param([{"a": {"b": [1]}}, {"a": {"b": Append([2])}}], {"a": {"b": (1, 2)}}, id="nested"),
        pytest.param([{"a": {"b": 1, "c": 2}}, {"a": {"b": Delete}}], {"a": {"c": 2}}, id="delete"),
        pytest.param([{"a": {"b": 1}}, {"a": Delete}], {}, id="delete-a-map"),
        pytest.param([{"a": {"b": 1}}, {"a": {**Delete, "c": 2}}], {"a": {"c": 2}}, id="delete-and-set"),
        pytest.param([{"a": 1}, {"a": Delete}, {"a": 3}], {"a": 3}, id="set-again"),
        pytest.param([{"a": [1]}, {"a": Delete}, {"a": Append([2])}], {"a": (2,)}, id="append-to-what-was-deleted"),
        pytest.param([{"a": {"b": 1}}, {"a": Delete}, {"a": {"c": 2}}], {"a": {"c": 2}}, id="merge-into-deleted"),
        pytest.param([{"a": {"$other": 1, "$delete": False}}], {"a": {"$other": 1, "$delete": False}}, id="plain"),
    ],
)
def test_markers_append_to_lists_and_delete_what_is_weaker(levels: list[Any], seen: dict[str, Any]) -> None:
    world = World(levels=[(str(number), level) for number, level in enumerate(levels)])

    assert dict(world.node) == {"tags": {}, **seen}


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        pytest.param([{"a": {"b": "x"}}, {"a": {"b": Append([1])}}], "attribute a.b: .* has str", id="to-text"),
        pytest.param([{"a": {"$append": "x"}}], "attribute a: .* takes a list", id="text"),
        pytest.param([{"a": {"$append": ["x"], "b": 1}}], "attribute a: .* stands alone", id="not-alone"),
    ],
)
def test_a_marker_that_makes_no_sense_is_bad_data(levels: list[Any], says: str) -> None:
    with pytest.raises(BadData, match=says):
        World(levels=[(str(number), level) for number, level in enumerate(levels)])


def test_markers_work_in_data_bags_that_custom_json_brings() -> None:
    bags = {"tenants": {"a": {"id": "a", "hosts": ["x"], "old": 1}}}
    custom = {"opsworks": {"data_bags": {"tenants": {"a": {"hosts": Append(["y"]), "old": Delete}}}}}

    assert World(bags=bags, levels=[("stack", custom)]).item("tenants", "a") == {"id": "a", "hosts": ["x", "y"]}


INSTANCES = {
    name: {"instance_id": f"i-{name}", "hostname": name, "status": status}
    for name, status in (("app1", "stopped"), ("app2", "online"), ("web1", "online"))
}


def elected_on(command: dict[str, Any]) -> list[str]:
    """The nodes on which `once` says yes."""
    found = []
    for name, me in INSTANCES.items():
        bags = {"aws_opsworks_instance": INSTANCES, "aws_opsworks_command": {"c": command}}
        with Run(FakeHost()) as run:
            run.world = World(bags=bags, me=me)
            if once("migrate"):
                found.append(name)
    return found


@pytest.mark.parametrize(
    ("command", "nodes"),
    [
        pytest.param({"type": "deploy", "elected": "i-web1"}, ["web1"], id="deployment"),
        pytest.param({"type": "deploy", "elected": "i-gone"}, [], id="deployment-whose-elected-is-gone"),
        pytest.param({"type": "configure"}, ["app2"], id="configure"),
        pytest.param({"type": "setup"}, ["app1", "app2", "web1"], id="of-one-instance"),
    ],
)
def test_what_is_done_once_is_done_by_one_node_and_all_agree(command: dict[str, Any], nodes: list[str]) -> None:
    assert elected_on(command) == nodes


def test_what_is_done_once_is_done_where_there_is_no_server() -> None:
    with Run(FakeHost()):
        assert once("migrate")
