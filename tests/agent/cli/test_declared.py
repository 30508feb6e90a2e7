from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toque.cli.declared import BadArguments, operations, options, request, required, skeleton
from toque.cli.shorthand import BadShorthand, parse
from toque.client.waiting import WAITERS, WaitFailed, wait


def made(command: str, *arguments: str) -> dict[str, Any]:
    about = operations()[command]
    found = request(about, options(arguments))
    required(about, found)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Name=deploy", {"Name": "deploy"}),
        ("Name=x,Args={recipes=[a::b,c::d]}", {"Name": "x", "Args": {"recipes": ["a::b", "c::d"]}}),
        ("a=1,2,b=3", {"a": ["1", "2"], "b": "3"}),
        ("a={b={c=d}},e=[]", {"a": {"b": {"c": "d"}}, "e": []}),
        ("a='x,y=z'", {"a": "x,y=z"}),
        ("a=", {"a": ""}),
    ],
)
def test_shorthand_as_aws_clients_write_it(text: str, value: dict[str, Any]) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "a", "a={b=c", "a=[b", "a='b", "a=b}"])
def test_what_is_no_shorthand_says_where_it_breaks(text: str) -> None:
    with pytest.raises(BadShorthand):
        parse(text)


def test_09_7_a_single_word_becomes_the_list_that_the_member_wants() -> None:
    found = made("create-deployment", "--stack-id", "s", "--command", "Name=execute_recipes,Args={recipes=a::b}")

    assert found == {"StackId": "s", "Command": {"Name": "execute_recipes", "Args": {"recipes": ["a::b"]}}}


def test_09_16_and_09_29_files_and_options_make_one_request(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text('{"Type": "git", "Url": "https://x"}')
    whole = '{"StackId": "file", "Name": "a", "Type": "other"}'

    found = made("create-app", "--cli-input-json", whole, "--stack-id", "line", "--app-source", f"file://{source}")

    assert found == {
        "StackId": "line",
        "Name": "a",
        "Type": "other",
        "AppSource": {"Type": "git", "Url": "https://x"},
    }
    short = made("create-app", "--cli-input-json", whole, "--app-source", "Type=git,Url=https://x")
    assert short["AppSource"] == found["AppSource"]


def test_09_27_booleans_have_a_no_form_and_lists_take_words() -> None:
    rights = made("set-permission", "--stack-id", "s", "--iam-user-arn", "a", "--allow-ssh", "--no-allow-sudo")

    assert (rights["AllowSsh"], rights["AllowSudo"]) == (True, False)
    assert made("describe-stacks", "--stack-ids", "a", "b") == {"StackIds": ["a", "b"]}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--stack-id", "s"], "--command must be given"),
        (["--stack-id", "s", "--comand", "Name=x"], "no option --comand"),
        (["--stack-id", "a", "b", "--command", "Name=x"], "takes one value"),
        (["--stack-id", "s", "--command", "{"], "not JSON"),
        (["s"], "before any option"),
    ],
)
def test_a_wrong_command_line_is_refused_by_name(arguments: list[str], why: str) -> None:
    with pytest.raises(BadArguments, match=why):
        made("create-deployment", *arguments)


def test_the_skeleton_has_every_member() -> None:
    assert skeleton(operations()["create-deployment"]["members"]) == {
        "StackId": "",
        "AppId": "",
        "InstanceIds": [""],
        "LayerIds": [""],
        "Command": {"Name": "", "Args": {"KeyName": [""]}},
        "Comment": "",
        "CustomJson": "",
    }


def test_a_waiter_waits_succeeds_and_gives_up() -> None:
    answers = iter(["booting", "online"])
    pauses: list[float] = []

    wait(
        WAITERS["InstanceOnline"],
        lambda: {"Instances": [{"Status": next(answers)}]},
        pause=pauses.append,
    )

    assert pauses == [15]
    with pytest.raises(WaitFailed, match="stopped"):
        wait(WAITERS["InstanceOnline"], lambda: {"Instances": [{"Status": "stopped"}]}, pause=pauses.append)
    with pytest.raises(WaitFailed, match="40 looks"):
        wait(WAITERS["InstanceOnline"], lambda: {"Instances": []}, pause=pauses.append)
