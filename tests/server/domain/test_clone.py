from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain import clone
from toque_server.domain.app import App, DataSource
from toque_server.domain.layer import Layer, Recipes
from toque_server.domain.load_scaling import AutoScalingThresholds, LoadScaling
from toque_server.domain.source import Source
from toque_server.domain.stack import Stack

THEN, NOW = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ROLE, OTHER_ROLE = "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"
SOURCE = Stack(
    id="s-1",
    name="shop",
    slug="shop",
    region="eu-1",
    created_at=THEN,
    change=7,
    cookbook_digest="abc",
    service_role_arn=ROLE,
    default_instance_profile_arn="arn:aws:iam::1:instance-profile/p",
    vpc_id="vpc-1",
    default_subnet_id="subnet-1",
    default_availability_zone="eu-1b",
    hostname_theme="Fruits",
    attributes={"Color": "red"},
    tags={"Stage": "P"},
)
ITS_OWN = {"id", "slug", "name", "created_at", "change", "cookbook_digest", "service_role_arn"}


def copy_of(source: Stack, *, region: str = "eu-1", vpc_id: str | None = None) -> Stack:
    return clone.stack(
        source,
        id="s-2",
        slug="copy",
        at=NOW,
        name="copy",
        region=region,
        vpc_id=vpc_id,
        service_role_arn=OTHER_ROLE,
    )


def differing(one: msgspec.Struct, other: msgspec.Struct) -> set[str]:
    return {name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)}


def test_s23_a_copy_has_every_setting_of_its_source_but_what_makes_it_another_stack() -> None:
    copy = copy_of(SOURCE)

    assert differing(SOURCE, copy) == ITS_OWN
    assert (copy.change, copy.cookbook_digest, copy.service_role_arn) == (0, None, OTHER_ROLE)


@pytest.mark.parametrize(
    ("region", "vpc", "network"),
    [
        ("eu-1", None, ("vpc-1", "subnet-1", "eu-1b")),
        ("eu-1", "vpc-1", ("vpc-1", "subnet-1", "eu-1b")),
        ("eu-1", "vpc-2", ("vpc-2", None, "eu-1b")),
        ("us-2", None, (None, None, "us-2a")),
        ("us-2", "vpc-2", ("vpc-2", None, "us-2a")),
        ("us-2", "vpc-1", ("vpc-1", None, "us-2a")),
    ],
    ids=["same", "same-vpc-said", "other-vpc", "other-region", "other-region-and-vpc", "other-region-vpc-of-same-id"],
)
def test_zones_belong_to_a_region_and_subnets_to_a_vpc(
    region: str, vpc: str | None, network: tuple[str | None, ...]
) -> None:
    copy = copy_of(SOURCE, region=region, vpc_id=vpc)

    assert (copy.vpc_id, copy.default_subnet_id, copy.default_availability_zone) == network


@given(st.text("ab ", min_size=1, max_size=64))
def test_s23_the_name_of_a_copy_says_so_in_64_characters(name: str) -> None:
    made = clone.name_of_copy(name)

    assert made.endswith(" copy")
    assert len(made) <= 64
    assert made.startswith(name[:59])


@pytest.mark.parametrize(
    ("uses", "url", "takes"), [(True, "https://x/y", False), (True, None, True), (False, "https://x/y", True)]
)
def test_published_cookbooks_are_taken_over_where_nothing_is_fetched(uses: bool, url: str | None, takes: bool) -> None:
    copy = msgspec.structs.replace(
        SOURCE, use_custom_cookbooks=uses, custom_cookbooks_source=Source(type=url and "git", url=url)
    )

    assert clone.takes_bundle(copy) is takes


def test_s23_a_layer_is_copied_whole_but_for_its_cluster_and_scaling_is_off() -> None:
    source = Layer(
        id="l-1",
        stack_id="s-1",
        type="ecs-cluster",
        name="ECS",
        shortname="ecs-cluster",
        created_at=THEN,
        attributes={"EcsClusterArn": "arn:aws:ecs:eu:1:cluster/c", "Other": "x"},
        custom_recipes=Recipes(setup=("a::b",)),
        packages=("vim",),
        shutdown_timeout=5,
        tags={"a": "b"},
        load_scaling=LoadScaling(enabled=True, up=AutoScalingThresholds(3, 4, 5, load_threshold=9.0)),
    )

    copy = clone.layer(source, id="l-2", stack_id="s-2", at=NOW)

    assert differing(source, copy) == {"id", "stack_id", "created_at", "attributes", "load_scaling"}
    assert copy.attributes == {"Other": "x"}
    assert (copy.load_scaling.enabled, copy.load_scaling.up) == (False, source.load_scaling.up)


@pytest.mark.parametrize(
    ("type", "left"),
    [
        ("RdsDbInstance", "None"),
        ("OpsworksMysqlInstance", "None"),
        ("AutoSelectOpsworksMysqlInstance", "AutoSelectOpsworksMysqlInstance"),
        ("None", "None"),
    ],
)
def test_s23_an_app_loses_a_database_that_only_its_old_stack_has(type: str, left: str) -> None:
    source = App(
        id="a-1",
        stack_id="s-1",
        shortname="shop",
        name="Shop",
        type="php",
        created_at=THEN,
        data_sources=(DataSource(type=type, arn="arn:aws:rds:eu:1:db:d", database_name="d"),),
    )

    copy = clone.app(source, id="a-2", stack_id="s-2", at=NOW)

    assert [each.type for each in copy.data_sources] == [left]
    assert "arn:aws:rds" not in str(copy.data_sources) or left == type
    assert differing(source, copy) <= {"id", "stack_id", "created_at", "data_sources"}
