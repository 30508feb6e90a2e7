from __future__ import annotations

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import stacks


def stack_arn(root: Caller, stack_id: str) -> str:
    return str(root("DescribeStacks", StackIds=[stack_id])["Stacks"][0]["Arn"])


def layer_arn(root: Caller, layer_id: str) -> str:
    return str(root("DescribeLayers", LayerIds=[layer_id])["Layers"][0]["Arn"])


def tags(root: Caller, arn: str) -> object:
    return root("ListTags", ResourceArn=arn)["Tags"]


def test_01_6_an_arn_is_taken_with_and_without_its_final_slash(root_on_either: Caller) -> None:
    root = root_on_either
    arn = stack_arn(root, root.stack(Region="eu-x-1"))

    assert root("TagResource", ResourceArn=arn, Tags={"Stage": "P"}) == {}
    root("TagResource", ResourceArn=arn.rstrip("/"), Tags={" Org ": " M "})

    assert tags(root, arn) == tags(root, arn.rstrip("/")) == {"Org": "M", "Stage": "P"}


def test_08_11_a_layer_inherits_its_stack_s_tags_and_may_override_the_value(root: Caller) -> None:
    stack = root.stack()
    of_stack, of_layer = stack_arn(root, stack), layer_arn(root, root.layer(stack))
    root("TagResource", ResourceArn=of_stack, Tags={"Stage": "P", "Org": "M"})
    assert tags(root, of_layer) == {"Stage": "P", "Org": "M"}

    root("TagResource", ResourceArn=of_layer, Tags={"Stage": "test", "Team": "shop"})

    assert tags(root, of_layer) == {"Org": "M", "Stage": "test", "Team": "shop"}
    assert tags(root, of_stack) == {"Org": "M", "Stage": "P"}


def test_08_11_a_layer_cannot_remove_what_it_inherits_only_its_own_value_of_it(root: Caller) -> None:
    stack = root.stack()
    of_stack, of_layer = stack_arn(root, stack), layer_arn(root, root.layer(stack))
    root("TagResource", ResourceArn=of_stack, Tags={"Stage": "P"})
    root("TagResource", ResourceArn=of_layer, Tags={"Stage": "test"})

    assert root("UntagResource", ResourceArn=of_layer, TagKeys=["Stage", "never there"]) == {}

    assert tags(root, of_layer) == {"Stage": "P"}
    with pytest.raises(ValidationException, match="'Stage' is inherited from the stack"):
        root("UntagResource", ResourceArn=of_layer, TagKeys=["Stage"])
    root("UntagResource", ResourceArn=of_stack, TagKeys=["Stage"])
    assert tags(root, of_layer) == tags(root, of_stack) == {}


def test_01_34_the_forty_first_tag_is_refused_inherited_ones_counted(root: Caller) -> None:
    stack = root.stack()
    of_stack, of_layer = stack_arn(root, stack), layer_arn(root, root.layer(stack))
    root("TagResource", ResourceArn=of_stack, Tags={f"s{n}": "" for n in range(30)})
    root("TagResource", ResourceArn=of_layer, Tags={f"l{n}": "" for n in range(10)})

    with pytest.raises(ValidationException, match="layer app would have 41 tags"):
        root("TagResource", ResourceArn=of_layer, Tags={"one more": ""})
    with pytest.raises(ValidationException, match="layer app, which inherits them, would have 41 tags"):
        root("TagResource", ResourceArn=of_stack, Tags={"one more": ""})
    root("TagResource", ResourceArn=of_layer, Tags={"s1": "another value"})

    root("UntagResource", ResourceArn=of_layer, TagKeys=[f"l{n}" for n in range(10)])
    root("TagResource", ResourceArn=of_stack, Tags={f"t{n}": "" for n in range(10)})
    with pytest.raises(ValidationException, match="stack shop would have 41 tags"):
        root("TagResource", ResourceArn=of_stack, Tags={"one more": ""})


def test_01_34_paging_is_refused_and_so_is_the_key_name(root: Caller) -> None:
    arn = stack_arn(root, root.stack())

    with pytest.raises(ValidationException, match="MaxResults"):
        root("ListTags", ResourceArn=arn, MaxResults=5)
    with pytest.raises(ValidationException, match="NextToken"):
        root("ListTags", ResourceArn=arn, NextToken="x")
    with pytest.raises(ValidationException, match="'Name' is not allowed"):
        root("TagResource", ResourceArn=arn, Tags={"Name": "x"})
    assert root("ListTags", ResourceArn=arn, MaxResults=0, NextToken="") == {"Tags": {}}


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource", "ListTags"])
@pytest.mark.parametrize("kind", ["instance", "app", "volume"])
def test_08_11_only_stacks_and_layers_have_tags(root: Caller, operation: str, kind: str) -> None:
    more = {"TagResource": {"Tags": {"a": "b"}}, "UntagResource": {"TagKeys": ["a"]}}.get(operation, {})

    with pytest.raises(ValidationException, match="not the ARN of a stack or layer"):
        root(operation, ResourceArn=f"arn:aws:opsworks:local:123456789012:{kind}/x-1/", **more)


@pytest.mark.parametrize("wrong", [("local", "elsewhere"), ("123456789012", "999999999999"), ("/", "/no-")])
def test_an_arn_that_names_nothing_of_ours_is_not_found(root: Caller, wrong: tuple[str, str]) -> None:
    stack = root.stack()
    for arn in (stack_arn(root, stack), layer_arn(root, root.layer(stack))):
        with pytest.raises(ResourceNotFoundException, match="Unable to find (stack|layer) with ARN"):
            root("ListTags", ResourceArn=wrong[1].join(arn.split(wrong[0], 1)))


def test_07_section_3_2_tags_are_listed_by_show_and_set_by_manage(root: Caller) -> None:
    stack = root.stack()
    arn = stack_arn(root, stack)
    user, ann = root("CreateUser", UserName="ann")["UserArn"], root.as_user("ann")

    with pytest.raises(AccessDeniedException):
        ann("ListTags", ResourceArn=arn)
    with pytest.raises(AccessDeniedException):
        ann("ListTags", ResourceArn=arn.replace(stack, "no-such-stack"))
    root("SetPermission", StackId=stack, IamUserArn=user, Level="show")
    assert ann("ListTags", ResourceArn=arn) == {"Tags": {}}
    with pytest.raises(AccessDeniedException):
        ann("TagResource", ResourceArn=arn, Tags={"a": "b"})
    root("SetPermission", StackId=stack, IamUserArn=user, Level="manage")
    ann("TagResource", ResourceArn=arn, Tags={"a": "b"})
    ann("UntagResource", ResourceArn=arn, TagKeys=["a"])


def test_a_change_of_tags_is_a_change_of_the_policy_and_of_nothing_else(root: Caller) -> None:
    stack = root.stack(CustomJson='{"a": 1}')
    layer = root.layer(stack, CustomJson='{"b": 2}', CustomSecurityGroupIds=["sg-1"])

    def change() -> int:
        with root.services.database.read() as conn:
            found = stacks.get(conn, stack)
        assert found is not None
        return found.change

    before, described = change(), (root("DescribeStacks", StackIds=[stack]), root("DescribeLayers", LayerIds=[layer]))
    root("TagResource", ResourceArn=stack_arn(root, stack), Tags={"Stage": "P"})
    middle = change()
    root("TagResource", ResourceArn=layer_arn(root, layer), Tags={"Stage": "P"})

    assert before < middle < change()
    assert (root("DescribeStacks", StackIds=[stack]), root("DescribeLayers", LayerIds=[layer])) == described


def test_an_update_of_a_stack_or_layer_keeps_its_tags(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    for arn in (stack_arn(root, stack), layer_arn(root, layer)):
        root("TagResource", ResourceArn=arn, Tags={"Stage": "P"})

    root("UpdateStack", StackId=stack, Name="other")
    root("UpdateLayer", LayerId=layer, Name="other")

    assert tags(root, stack_arn(root, stack)) == tags(root, layer_arn(root, layer)) == {"Stage": "P"}
