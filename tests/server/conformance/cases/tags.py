"""Tags of stacks and layers."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World


def _arn(w: World, stack: str) -> str:
    found: str = w("DescribeStacks", StackIds=[stack])["Stacks"][0]["Arn"]
    return found


def _unknown(w: World) -> str:
    stack = w.stack(Name="other")
    return _arn(w, stack).replace(stack, NOWHERE)


@case("TagResource")
def tag(w: World) -> Case:
    arn = _arn(w, w.stack())
    return Case(
        minimal={"ResourceArn": arn, "Tags": {"Stage": "test"}},
        invalid=[
            ({"ResourceArn": arn, "Tags": {"aws:mine": "1"}}, "aws:"),
            ({"ResourceArn": arn, "Tags": {"a<b": "1"}}, "a<b"),
            ({"ResourceArn": "kitchen", "Tags": {"a": "1"}}, "kitchen"),
        ],
        missing=[({"ResourceArn": _unknown(w), "Tags": {"a": "1"}}, NOWHERE)],
    )


@case("UntagResource")
def untag(w: World) -> Case:
    arn = _arn(w, w.stack())
    w("TagResource", ResourceArn=arn, Tags={"Stage": "test"})
    return Case(
        minimal={"ResourceArn": arn, "TagKeys": ["Stage"]},
        invalid=[({"ResourceArn": "kitchen", "TagKeys": ["a"]}, "kitchen")],
        missing=[({"ResourceArn": _unknown(w), "TagKeys": ["a"]}, NOWHERE)],
    )


@case("ListTags")
def listed(w: World) -> Case:
    arn = _arn(w, w.stack())
    w("TagResource", ResourceArn=arn, Tags={"Stage": "test"})
    refused = "paging is refused: chapter 08, section 11"
    return Case(
        minimal={"ResourceArn": arn},
        invalid=[({"ResourceArn": arn, "MaxResults": 3}, "MaxResults"), ({"ResourceArn": arn, "NextToken": "x"}, "NextToken")],
        missing=[({"ResourceArn": _unknown(w)}, NOWHERE)],
        untried={"MaxResults": refused, "NextToken": refused},
        absent={"NextToken": refused},
    )  # fmt: skip
