"""Our command line beside the real `aws opsworks`: the same options, the same requests, the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import aws_client
from tests.needs import needs_that
from toque.cli.declarations import operations
from toque.cli.declared import kebab, option_of, options, request, skeleton
from toque.cli.files import UnreadableFile
from toque.cli.output import written
from toque.cli.shorthand import BadShorthand, parse
from toque.client.waiting import WAITERS

pytestmark = [
    pytest.mark.aws,
    needs_that("an OpsWorks client: make setup, or TOQUE_AWS", lambda: aws_client.home() is not None),
]

SHORTHAND = [
    "a=b",
    "a=b,c=d",
    "a=b,c",
    "a=b,c,d=e",
    "a=b, c=d",
    "a = b",
    "a=b c d,e=f",
    "a=",
    "a=,b=c",
    "a=[]",
    "a=[b]",
    "a=[b,c]",
    "a=[b, c],d=e",
    "a=[b,c,]",
    "a={}",
    "a={b=c}",
    "a={b=c,d=[e,f]},g=h",
    "a={b={c={d=e}}}",
    "a=[{b=c},{d=e}]",
    "a='b,c=d',e=f",
    'a="b c",d=e',
    r"a='it\'s',b=c",
    r"a=b\,c",
    r"a=b\,c,d",
    r"a=[b\,c,d]",
    "Name=execute_recipes,Args={recipes=[a::b,c::d]}",
    "Name=execute_recipes,Args={recipes=a::b}",
    "a-b.c/d:e=f",
    "a=https://host/path?x=y",
    "a=b=c",
    "a@=b",
    # and what is none
    "",
    "a",
    "a=b,",
    "a={b",
    "a={b=c",
    "a=[b",
    "a='b",
    "a=b}",
    "a=b]",
    "a=1,a=2",
    "a={b=c}d",
    "a=[b]c",
]

TEXTS: list[Any] = [
    {"A": 1, "b": "x"},
    {"Stacks": [{"Name": "a", "Id": 1}, {"Name": "b", "Arn": None}]},
    {"Stacks": [{"Name": "a", "Attributes": {"Color": "red"}, "Ids": ["x", "y"]}]},
    {"Ids": ["x", "y"], "More": {"Deep": {"Deeper": True}}},
    ["a", "b"],
    [["a", "b"], ["c", "d"]],
    [{"A": [{"B": 1}]}, {"C": 2}],
    [["a", ["b"]], "c"],
    "word",
    3,
    [],
    {},
]

REQUESTS = [
    ["create-deployment", "--stack-id", "S", "--command", "Name=execute_recipes,Args={recipes=a::b}"],
    ["create-deployment", "--stack-id", "S", "--command", '{"Name":"deploy","Args":{"migrate":["true"]}}'],
    ["create-deployment", "--stack-id=S", "--command", "Name=rollback", "--instance-ids", "a", "b", "--comment", "x y"],
    ["create-app", "--stack-id", "S", "--name", "n", "--type", "php", "--environment", "Key=a,Value=b", "Key=c,Value=d,Secure=true"],
    ["create-app", "--stack-id", "S", "--name", "n", "--type", "php", "--no-enable-ssl", "--attributes", "DocumentRoot=x,RailsEnv="],
    ["create-app", "--stack-id", "S", "--name", "n", "--type", "php", "--domains", '["a.org","b.org"]', "--enable-ssl"],
    ["create-layer", "--stack-id", "S", "--type", "custom", "--name", "n", "--shortname", "s", "--custom-recipes", "Setup=a::b,c::d,Deploy=e"],
    ["create-layer", "--stack-id", "S", "--type", "custom", "--name", "n", "--shortname", "s", "--volume-configurations", "MountPoint=/m,NumberOfDisks=2,Size=10,Encrypted=false"],
    ["create-layer", "--stack-id", "S", "--type", "custom", "--name", "n", "--shortname", "s", "--lifecycle-event-configuration", "Shutdown={ExecutionTimeout=120,DelayUntilElbConnectionsDrained=true}"],
    ["create-stack", "--name", "n", "--stack-region", "r", "--service-role-arn", "a", "--default-instance-profile-arn", "b", "--configuration-manager", "Name=Chef,Version=12"],
    ["create-instance", "--stack-id", "S", "--layer-ids", "a", "b", "--instance-type", "t", "--block-device-mappings", "DeviceName=/dev/sda,Ebs={VolumeSize=8,DeleteOnTermination=true}"],
    ["describe-stacks"],
    ["register-volume", "--stack-id", "S", "--ec-2-volume-id", "vol-1"],
    ["clone-stack", "--source-stack-id", "S", "--service-role-arn", "a", "--clone-app-ids", "a", "b", "--no-clone-permissions"],
    ["set-time-based-auto-scaling", "--instance-id", "i", "--auto-scaling-schedule", "Monday={12=on,13=on},Friday={1=off}"],
    ["set-load-based-auto-scaling", "--layer-id", "l", "--enable", "--up-scaling", "InstanceCount=2,CpuThreshold=80.5,Alarms=[a,b]"],
    ["tag-resource", "--resource-arn", "a", "--tags", "Stage=test,Owner=ann"],
    ["untag-resource", "--resource-arn", "a", "--tag-keys", '["a","b"]'],
]  # fmt: skip


@pytest.fixture(scope="module")
def aws() -> Mapping[str, Any]:
    return aws_client.ask(shorthand=SHORTHAND, text=TEXTS, requests=REQUESTS)


def _ours(text: str) -> Any:
    try:
        return parse(text)
    except BadShorthand:
        return None


@pytest.mark.parametrize("number", range(len(SHORTHAND)))
def test_shorthand_means_what_it_means_to_aws(aws: Mapping[str, Any], number: int) -> None:
    assert _ours(SHORTHAND[number]) == aws["shorthand"][number], SHORTHAND[number]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_text_is_written_as_aws_writes_it(aws: Mapping[str, Any], number: int) -> None:
    ours = written(TEXTS[number], "text")

    assert (f"{ours}\n" if ours else "") == aws["text"][number]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_a_command_line_makes_the_request_that_aws_makes(aws: Mapping[str, Any], number: int) -> None:
    command, *words = REQUESTS[number]

    assert request(operations()[command], options(words)) == aws["requests"][number]


def test_every_operation_has_the_options_that_it_has_in_aws(aws: Mapping[str, Any]) -> None:
    ours = {name: about for name, about in operations().items() if about["target"].startswith("OpsWorks_")}

    for name, about in ours.items():
        members = {option_of(member): kind for member, kind in about["members"].items()}
        switched = {f"no-{option}" for option, kind in members.items() if kind["type"] == "boolean"}
        paged = {"starting-token", "page-size", "max-items"} & set(aws["options"][name])
        # The last is a name that older clients had: taken, and not shown.
        own = {"cli-input-json", "generate-cli-skeleton", "ec-2-volume-id"} | paged
        assert {*members, *switched} == set(aws["options"][name]) - own, name
    assert set(ours) <= set(aws["options"])


def test_every_skeleton_is_that_of_aws(aws: Mapping[str, Any]) -> None:
    for about in operations().values():
        if about["target"].startswith("OpsWorks_"):
            # AWS puts a random one of an enumeration's values where we have nothing, or the first (chapter 09 § 6).
            assert skeleton(about["members"]) == _blank(skeleton(about["members"]), aws["inputs"][about["name"]])
            assert skeleton(about["answer"] or {}, named=True) == aws["outputs"][about["name"]]


def _blank(ours: Any, theirs: Any) -> Any:
    """AWS's skeleton with our texts, so that what is left is the shape."""
    match ours, theirs:
        case dict(), dict():
            return {name: _blank(ours.get(name), each) for name, each in theirs.items()}
        case [mine], [its]:
            return [_blank(mine, its)]
        case str(), str():
            return ours
    return theirs


@given(st.text(alphabet="ab=,[]{}'\"@\\\\ :", max_size=20))
def test_any_text_is_shorthand_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text), dict)
    except (BadShorthand, UnreadableFile) as error:
        assert str(error)


def test_the_waiters_are_those_of_aws(aws: Mapping[str, Any]) -> None:
    assert sorted(kebab(name) for name in WAITERS) == aws["waiters"]
