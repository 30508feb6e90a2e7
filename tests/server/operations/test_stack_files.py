"""Stacks as files against real operations: what is exported makes the same stack on another server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import services_on
from tests.server.operations.calls import Caller
from tests.server.operations.shop import ANN, GUEST, RDS, shop
from toque.cli.stackfile.applying import Wish, planned
from toque.cli.stackfile.carrying import carry_out
from toque.cli.stackfile.fetching import NotOneStack, fetched
from toque.client.errors import error_of
from toque.stackfile.comparing import Secrets, names_of
from toque.stackfile.differences import MADE_UP
from toque.stackfile.hiding import hidden
from toque.stackfile.loading import load
from toque.stackfile.model import SECTIONS, Layer, LoadBasedAutoScaling, StackFile, UpScaling
from toque.stackfile.plan import Plan
from toque.stackfile.writing import written
from toque_server.domain.layer_kinds import KINDS
from toque_server.operations.errors import OperationError
from toque_server.security.keys import ServerKeys
from toque_server.settings import Settings
from toque_server.store.database import Database


@pytest.fixture
def another(tmp_path: Path, sqlite_template: Path, settings: Settings, server_keys: ServerKeys) -> Iterator[Caller]:
    """An empty server."""
    shutil.copyfile(sqlite_template, tmp_path / "another.db")
    database = Database(f"sqlite:///{tmp_path}/another.db")
    yield Caller(services_on(database, settings, server_keys))
    database.close()


def exported(root: Caller, name: str = "shop") -> StackFile:
    found = fetched(root, name)
    assert found is not None
    return found.document


def plan(root: Caller, document: StackFile, **wish: Any) -> Plan:
    return planned(root, document, Wish(**wish))[0]


def bring_about(root: Caller, document: StackFile, **wish: Any) -> Plan:
    made, ids = planned(root, document, Wish(**wish))
    assert made.impossible == ()
    assert made.missing == ()
    carry_out(root, made.steps, ids, Secrets(wish.get("secrets", {}), wish.get("renew", False)))
    return made


def secrets_of(document: StackFile) -> dict[str, str]:
    return {name: f"secret {name}" for name in names_of(document)}


_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def described(root: Caller) -> list[dict[str, Any]]:
    """What describe calls answer of the stack, without ids and times."""
    stack = root("DescribeStacks")["Stacks"][0]
    layers = [each["LayerId"] for each in root("DescribeLayers", StackId=stack["StackId"])["Layers"]]
    instances = root("DescribeInstances", StackId=stack["StackId"])["Instances"]
    timers = [each["InstanceId"] for each in instances if each.get("AutoScalingType") == "timer"]
    answers = [
        *(root("DescribeStacks"), root("DescribeStackOverviews"), root("DescribeUserProfiles")),
        root("ListTags", ResourceArn=stack["Arn"]),
        root("DescribeLoadBasedAutoScaling", LayerIds=layers),
        root("DescribeTimeBasedAutoScaling", InstanceIds=timers),
    ]
    of_stack = (
        *("DescribeLayers", "DescribeInstances", "DescribeApps", "DescribePermissions", "DescribeRdsDbInstances"),
        *("DescribeEcsClusters", "DescribeElasticLoadBalancers", "DescribeDataBags", "DescribeAttributes"),
    )
    answers += [root(operation, StackId=stack["StackId"]) for operation in of_stack]
    found: list[dict[str, Any]] = _same(answers)
    return found


_TIMES = frozenset({"CreatedAt", "RegisteredAt", "UpdatedAt", "AttachedAt"})


def _same(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _same(each) for key, each in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_same(each) for each in value]
    return _IDS.sub("ID", value) if isinstance(value, str) else value


def test_what_is_exported_and_applied_to_an_empty_server_is_the_same_stack(root: Caller, another: Caller) -> None:
    shop(root)
    document = exported(root)

    bring_about(another, load(written(document), "shop.yaml"), secrets=secrets_of(document))

    assert exported(another) == document
    assert described(another) == described(root)


def test_applying_the_same_file_again_changes_nothing(root: Caller, another: Caller) -> None:
    shop(root)
    document = exported(root)
    secrets = secrets_of(document)
    bring_about(another, document, secrets=secrets)

    for given in ({}, secrets):
        for server in (root, another):
            assert plan(server, document, secrets=given, prune=True).steps == ()


def test_only_what_differs_is_sent(root: Caller) -> None:
    shop(root)
    before = written(exported(root))
    edited = (
        before.replace("packages: [curl, git]", "packages: [curl]")
        .replace("monday: {", "wednesday: {")
        .replace("sunday: 0-1, 23-24", "sunday: 0-2")
        .replace("Stage: Production", "Stage: Test")
        .replace("cpu_threshold: 70.0", "cpu_threshold: 75.0")
        .replace("RAILS_ENV: production", "RAILS_ENV: staging")
        .replace("level: deploy", "level: manage", 1)
        .replace("port: 25", "port: 26")
    )
    assert edited != before
    document = load(edited, "shop.yaml")

    made = bring_about(root, document)

    assert [(each.verb, each.kind, each.name, each.part) for each in made.steps] == [
        ("update", "stack", "shop", "tags"),
        ("update", "layer", "app", ""),
        ("update", "layer", "app", "load_based_auto_scaling"),
        ("update", "instance", "night", "schedule"),
        ("update", "app", "blog", ""),
        ("update", "data bag item", "settings/mail", ""),
        ("update", "permission", made.steps[-1].name, ""),
    ]
    assert plan(root, document).steps == ()
    assert load(written(exported(root)), "again.yaml").layers == document.layers


def test_a_secret_that_is_not_given_stays_and_one_that_is_given_is_renewed_when_asked(root: Caller) -> None:
    shop(root)
    document = exported(root)
    token = {"APP_BLOG_ENV_TOKEN": "another"}

    assert plan(root, document, secrets=token).steps == ()
    renewed = bring_about(root, document, secrets=token, renew=True)

    assert [(each.kind, each.name) for each in renewed.steps] == [("app", "blog")]
    assert [each.field for each in renewed.steps[0].changes] == ["environment"]
    assert exported(root) == document


def test_secrets_that_a_new_stack_needs_are_asked_for_before_anything_is_done(root: Caller, another: Caller) -> None:
    shop(root)

    made = plan(another, exported(root))

    assert set(made.missing) == {
        "COOKBOOKS_PASSWORD",
        "DATABASE_ORDERS_PASSWORD",
        "LAYER_DB_MASTER_MYSQL_ROOT_PASSWORD",
        "APP_BLOG_SSH_KEY",
        "APP_BLOG_SSL_PRIVATE_KEY",
        "APP_BLOG_ENV_TOKEN",
    }


def test_passwords_that_the_server_makes_up_are_those_of_its_layer_types() -> None:
    assert {key for kind in KINDS.values() for key in kind.generated} == MADE_UP


def test_attributes_that_may_not_stand_in_a_file_are_those_that_the_server_keeps_secret() -> None:
    secret = {key for kind in KINDS.values() for key in kind.secret_attributes}

    assert secret == {key for kind in KINDS.values() for key in kind.attributes if key.endswith("Password")}


def test_what_the_file_does_not_have_is_deleted_with_prune_only(root: Caller) -> None:
    shop(root)
    small = load("stack: {name: shop, strict: true}\nlayers: {app: {}}\ninstances: {}\napps: {}\n", "small.yaml")
    kept = msgspec.structs.replace(small, stack=exported(root).stack)

    left = plan(root, kept)
    pruned = bring_about(root, kept, prune=True)

    assert {(each.kind, each.name) for each in left.left} == {
        *(("layer", "lb"), ("layer", "db-master"), ("instance", "app1"), ("instance", "night"), ("instance", "burst")),
        *(("instance", "db1"), ("app", "blog"), ("app", "web-shop"), ("load balancer", "front")),
        ("data bag item", "keys/api"),
    }
    assert not [each for each in left.steps if each.verb == "delete"]
    assert pruned.left == ()
    after = exported(root)
    assert list(after.layers or ()) == ["app"]
    # A threshold that was set stays unless the file names it: -1 takes it away.
    kept_threshold = LoadBasedAutoScaling(up_scaling=UpScaling(memory_threshold=90.0))
    assert after.layers == {"app": Layer(load_based_auto_scaling=kept_threshold)}
    assert after.instances == after.apps == {}
    # Sections that the file does not have are nobody's business.
    assert list(after.permissions or ()) == ["ann", "bob", GUEST]
    assert list(after.rds_db_instances or ()) == [RDS]


def test_everything_goes_when_everything_is_pruned(root: Caller) -> None:
    shop(root)
    sections = "\n".join(f"{each}: {'[]' if each == 'ecs_clusters' else '{}'}" for each in SECTIONS)
    document = load(f"stack: {{name: shop}}\n{sections}\n", "empty.yaml")

    bring_about(root, document, prune=True)

    again = plan(root, document, prune=True)
    assert again.steps == ()
    assert described_permissions(root) == {("iam_only", False)}


def described_permissions(root: Caller) -> set[tuple[str, bool]]:
    stack = root("DescribeStacks")["Stacks"][0]["StackId"]
    found = root("DescribePermissions", StackId=stack)["Permissions"]
    return {(each["Level"], each["AllowSsh"]) for each in found}


def test_a_balancer_moves_from_layer_to_layer(root: Caller) -> None:
    stack = root.stack()
    front = root.layer(stack, "front")
    root.layer(stack, "back")
    root("AttachElasticLoadBalancer", ElasticLoadBalancerName="b", LayerId=front)
    document = load("stack: {name: shop}\nlayers: {front: {}, back: {load_balancer: b}}", "shop.yaml")

    bring_about(root, document, prune=True)

    assert {name: each.load_balancer for name, each in (exported(root).layers or {}).items()} == {
        "front": None,
        "back": "b",
    }


def test_addresses_and_volumes_are_registered_named_and_given_to_their_instances(root: Caller) -> None:
    text = """
stack: {name: shop}
layers: {app: {}}
instances: {app1: {layers: [app]}, app2: {layers: [app]}}
elastic_ips: {203.0.113.7: {name: front, instance: app1}, 203.0.113.8: {}}
volumes: {vol-0123456789abcdef0: {name: data, mount_point: /vol/data, instance: app2}}
"""
    document = load(text, "shop.yaml")

    bring_about(root, document)

    after = exported(root)
    assert (after.elastic_ips, after.volumes) == (document.elastic_ips, document.volumes)
    moved = load(text.replace("instance: app1", "instance: app2").replace(", instance: app2}}", "}}"), "shop.yaml")
    bring_about(root, moved)
    assert (exported(root).elastic_ips, exported(root).volumes) == (moved.elastic_ips, moved.volumes)
    bring_about(root, load("stack: {name: shop}\nelastic_ips: {}\nvolumes: {}", "shop.yaml"), prune=True)
    assert exported(root).elastic_ips == exported(root).volumes == {}


def test_what_never_changes_is_said_before_anything_is_done(root: Caller) -> None:
    stack = root.stack()
    root.instance(stack, root.layer(stack, "app"), Hostname="app1", AutoScalingType="load")
    text = "stack: {name: shop, region: mars}\nlayers: {app: {}}\ninstances: {app1: {layers: [app]}}"

    made = plan(root, load(text, "shop.yaml"))

    assert made.impossible[0] == "stack shop: region cannot change from local to mars"
    assert made.impossible[1].startswith("instance app1: auto_scaling_type cannot change from load to none: please")


def test_custom_json_is_kept_byte_for_byte_and_compared_by_value(root: Caller) -> None:
    text = '{"b":1,\n"a": [ 1.50 ]}'
    root.stack(CustomJson=text)
    document = exported(root)

    assert load(written(document), "shop.yaml").stack.custom_json == text
    same = "stack: {name: shop, custom_json: {a: [1.5], b: 1}}"
    assert plan(root, load(same, "shop.yaml")).steps == ()
    bring_about(root, load("stack: {name: shop}", "shop.yaml"))
    assert exported(root).stack.custom_json == {}


def test_machines_that_registered_themselves_are_left_out_and_named(root: Caller) -> None:
    stack = root.stack()
    root("RegisterInstance", StackId=stack, Hostname="metal")

    found = fetched(root, "shop")

    assert found is not None
    assert found.document.instances == {}
    assert found.notes == ("instance metal is a machine that registered itself: no file can make it",)


def test_who_may_not_see_permissions_exports_the_rest(root: Caller) -> None:
    stack = root.stack()
    root("CreateUserProfile", IamUserArn=ANN)
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="deploy")

    ann = _as_http(root.as_user("ann"))
    found = fetched(ann, "shop")

    assert found is not None
    assert found.document.permissions is None
    wanted = load("stack: {name: shop}\npermissions: {bob: {level: show}}", "shop.yaml")
    assert planned(ann, wanted, Wish())[0].steps == ()
    assert found.notes == ("permissions are left out: reading them needs the level manage",)


def _as_http(caller: Caller) -> Any:
    """Refusals as a client has them."""

    def call(operation: str, /, **members: Any) -> dict[str, Any]:
        try:
            return caller(operation, **members)
        except OperationError as error:
            raise error_of(type(error).__name__, str(error), 400) from error

    return call


def test_stacks_of_one_name_are_told_apart_by_id(root: Caller) -> None:
    one, _ = root.stack(), root.stack()

    with pytest.raises(NotOneStack, match="2 stacks are called shop"):
        fetched(root, "shop")
    assert fetched(root, one) is not None


def test_references_in_data_bags_are_filled_or_left_as_they_are(root: Caller) -> None:
    root.stack()
    text = "stack: {name: shop, data_bags: {b: {i: {user: shop, password: !secret PW}}}}"
    document = load(text, "shop.yaml")

    assert plan(root, document).missing == ("PW",)
    bring_about(root, document, secrets={"PW": "one"})

    assert exported(root).stack.data_bags == {"b": {"i": {"user": "shop", "password": "one"}}}
    assert plan(root, document).steps == ()
    bring_about(root, load(text.replace("user: shop", "user: web"), "shop.yaml"))
    assert exported(root).stack.data_bags == {"b": {"i": {"user": "web", "password": "one"}}}
    bring_about(root, document, secrets={"PW": "two"})
    assert exported(root).stack.data_bags == {"b": {"i": {"user": "shop", "password": "two"}}}


def test_data_bags_that_are_hidden_come_back_with_their_secrets(root: Caller, another: Caller) -> None:
    root.stack()
    put(root, {"a": "x", "n": [1, "y"], "t": True})
    document = hidden(exported(root))
    text = written(document)

    assert "x" not in re.findall(r"\w+", text)
    bring_about(another, load(text, "shop.yaml"), secrets={"BAG_B_I_A": "x", "BAG_B_I_N_1": "y"})

    assert exported(another).stack.data_bags == exported(root).stack.data_bags


def put(root: Caller, value: dict[str, Any]) -> None:
    stack = root("DescribeStacks")["Stacks"][0]["StackId"]
    root("PutDataBagItem", StackId=stack, Bag="b", Item="i", Value=value)


def test_what_a_layer_gives_its_instances_is_not_in_the_file_a_second_time(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(
        stack,
        "app",
        AutoAssignElasticIps=True,
        VolumeConfigurations=[{"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10}],
    )
    host = root.instance(stack, layer)
    for point, ec2_id in (("/vol/data", "vol-0000000000000000a"), ("/vol/other", "vol-0000000000000000b")):
        volume = root("RegisterVolume", StackId=stack, Ec2VolumeId=ec2_id)["VolumeId"]
        root("UpdateVolume", VolumeId=volume, MountPoint=point)
        root("AssignVolume", VolumeId=volume, InstanceId=host)
    for address in ("203.0.113.7", "203.0.113.8"):
        root("RegisterElasticIp", StackId=stack, ElasticIp=address)
    root("AssociateElasticIp", ElasticIp="203.0.113.7", InstanceId=host)

    document = exported(root)

    assert list(document.volumes or ()) == ["vol-0000000000000000b"]
    assert list(document.elastic_ips or ()) == ["203.0.113.8"]
