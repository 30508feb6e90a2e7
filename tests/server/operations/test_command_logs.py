"""Logs of commands: ranges, tails, and logs that are not kept any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.command import CommandStatus
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.store import commands, logs


def command(root: Caller, *pieces: str) -> str:
    """A command whose log came in these pieces."""
    stack = root.stack()
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)
    id = root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"]
    [made] = root("DescribeCommands", DeploymentId=id)["Commands"]
    with root.services.database.write() as conn:
        for piece in pieces:
            logs.append(conn, made["CommandId"], logs.length(conn, made["CommandId"]), piece.encode())
    return str(made["CommandId"])


def end(root: Caller, id: str) -> None:
    with root.services.database.write() as conn:
        seen = commands.get(conn, id)
        assert seen is not None
        commands.finish(conn, seen, CommandStatus.SUCCESSFUL, 0, root.services.database.now(conn), "")


@pytest.mark.parametrize(
    ("offset", "limit", "text"),
    [(0, 4, "0123"), (4, 6, "456789"), (5, 10, "56789abcde"), (10, 100, "abcdefghi"), (19, 5, ""), (500, 5, "")],
)
def test_a_range_of_bytes_is_read_across_pieces(root_on_either: Caller, offset: int, limit: int, text: str) -> None:
    id = command(root_on_either, "01234", "56789", "abcde", "fghi")

    piece = root_on_either("GetCommandLog", CommandId=id, Offset=offset, Limit=limit)

    assert (piece["Text"], piece["Offset"], piece["NextOffset"]) == (text, offset, offset + len(text))
    assert (piece["Size"], piece["Complete"], piece["Kept"]) == (19, False, True)


def test_a_tail_begins_with_a_line_and_goes_on_from_the_end(root: Caller) -> None:
    id = command(root, "first line\n", "second line\n", "third line\n")

    piece = root("GetCommandLog", CommandId=id, Tail=25)

    assert (piece["Text"], piece["Offset"], piece["NextOffset"]) == ("second line\nthird line\n", 11, 34)
    assert root("GetCommandLog", CommandId=id, Tail=1000)["Text"].startswith("first line")
    assert root("GetCommandLog", CommandId=id, Tail=5)["Text"] == "line\n"


def test_a_tail_within_one_line_tears_no_character(root: Caller) -> None:
    id = command(root, "𝄞€é")

    assert root("GetCommandLog", CommandId=id, Tail=4)["Text"] == "é"


def test_a_log_is_complete_when_the_run_has_ended_and_all_was_read(root: Caller) -> None:
    id = command(root, "01234")
    end(root, id)

    assert not root("GetCommandLog", CommandId=id, Limit=4)["Complete"]
    assert root("GetCommandLog", CommandId=id, Offset=4)["Complete"]


def test_a_log_that_is_not_kept_any_more_says_so_and_lets_nobody_wait(root_on_either: Caller) -> None:
    id = command(root_on_either, "01234")
    end(root_on_either, id)
    [seen] = root_on_either("DescribeCommands", CommandIds=[id])["Commands"]
    with root_on_either.services.database.write() as conn:
        logs.prune(conn, seen["InstanceId"], keep=0)

    piece = root_on_either("GetCommandLog", CommandId=id)

    assert (piece["Text"], piece["Kept"], piece["Complete"], piece["Size"]) == ("", False, True, 5)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"Offset": -1}, "Offset"),
        ({"Offset": 1 << 63}, "Offset"),
        ({"Limit": 0}, "Limit"),
        ({"Limit": (1 << 20) + 1}, "Limit"),
        ({"Tail": 0}, "Tail"),
        ({"Tail": 5, "Offset": 0}, "Tail"),
    ],
    ids=["negative", "far", "nothing", "much", "no-tail", "both"],
)
def test_a_range_that_will_not_do_is_named(root: Caller, members: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationException) as refused:
        root("GetCommandLog", CommandId=command(root), **members)

    assert refused.value.field == field


def test_a_command_that_is_not_there_is_named(root: Caller) -> None:
    with pytest.raises(ResourceNotFoundException, match="Unable to find command with ID c-1"):
        root("GetCommandLog", CommandId="c-1")
