"""Soft limits of an installation: how many stacks, layers, instances and apps there may be (01, S-2)."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.operations.errors import ValidationException
from toque_server.settings import Limits


@pytest.fixture
def limited(root: Caller) -> Caller:
    """An installation that lets there be one of each thing, and two layers."""
    return under(root, Limits(stacks=1, layers_per_stack=2, instances_per_stack=1, apps_per_stack=1))


def under(root: Caller, limits: Limits) -> Caller:
    settings = msgspec.structs.replace(root.services.settings, limits=limits)
    return Caller(dataclasses.replace(root.services, settings=settings))


def refused(root: Caller, operation: str, **members: Any) -> str:
    with pytest.raises(ValidationException) as error:
        root(operation, **members)
    return str(error.value)


def test_01_S2_there_are_no_limits_unless_they_are_set(root: Caller) -> None:
    for _ in range(3):
        root.layer(root.stack())


def test_01_S2_what_would_go_over_a_limit_is_refused_and_told_which_setting_to_raise(limited: Caller) -> None:
    stack = limited.stack()
    layer, _ = limited.layer(stack), limited.layer(stack, "db")
    limited.instance(stack, layer)
    limited.app(stack)

    made = {"Name": "b", "Region": "local", "ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
    assert "this installation has 1 stacks, and 1 more would be over the limit of 1" in refused(
        limited, "CreateStack", **made
    )
    assert "raise layers_per_stack in the table [limits]" in refused(
        limited, "CreateLayer", StackId=stack, Type="custom", Name="c", Shortname="c"
    )
    for operation, members in {
        "CreateInstance": {"LayerIds": [layer], "InstanceType": "small"},
        "RegisterInstance": {"Hostname": "old"},
    }.items():
        assert "raise instances_per_stack" in refused(limited, operation, StackId=stack, **members)
    assert "raise apps_per_stack" in refused(limited, "CreateApp", StackId=stack, Name="b", Type="other")


def test_01_S2_a_clone_counts_as_a_stack_with_its_layers(limited: Caller) -> None:
    stack = limited.stack()
    for name in ("a", "b"):
        limited.layer(stack, name)
    assert "raise stacks" in refused(limited, "CloneStack", SourceStackId=stack, ServiceRoleArn=ROLE)

    said = refused(under(limited, Limits(layers_per_stack=1)), "CloneStack", SourceStackId=stack, ServiceRoleArn=ROLE)
    assert "this stack has 0 layers, and 2 more would be over the limit of 1" in said
    assert len(limited("DescribeStacks")["Stacks"]) == 1


def test_01_S2_what_is_deleted_makes_room(limited: Caller) -> None:
    stack = limited.stack()
    app = limited.app(stack)
    limited("DeleteApp", AppId=app)
    limited.app(stack)
