"""One command and its log, which grows on the page while the command runs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, render_template, request

from toque_server.console import states
from toque_server.console.ansi import runs
from toque_server.console.desk import Desk
from toque_server.console.durations import duration
from toque_server.console.facts import Topic, last_number

WINDOW = 128 * 1024
"""Bytes of a log that a page shows at once; the rest is a link away."""

PIECE = 64 * 1024
"""Most bytes in one answer to a page that follows."""

BEHIND = 512 * 1024
"""A page that is further behind than this is brought to the end, and told how much it missed."""


def register(console: Blueprint, desk: Desk) -> None:
    @console.get("/commands/<command_id>")
    def command(command_id: str) -> str:
        [found] = desk.call("DescribeCommandDetails", CommandIds=[command_id])["Commands"]
        [wire] = desk.call("DescribeCommands", CommandIds=[command_id])["Commands"]
        stack_id = found["StackId"]
        after = last_number(desk.call, Topic(stack_id))
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        start = request.args.get("from", None, type=int)
        piece = _window(desk, command_id, start)
        return render_template(
            "command.html", stack=stack, command=found, after=after, piece=piece, raw=_here(wire.get("LogUrl"))
        )

    @console.get("/commands/<command_id>/log")
    def log_piece(command_id: str) -> Response:
        offset = max(0, request.args.get("offset", 0, type=int))
        return jsonify(_piece(desk, command_id, offset))


def _window(desk: Desk, command_id: str, start: int | None) -> dict[str, Any]:
    """What the page shows at first: the end of the log, or what begins at `start`."""
    size = desk.call("GetCommandLog", CommandId=command_id, Limit=1)["Size"]
    begin = max(0, size - WINDOW) if start is None else min(max(0, start), size)
    said = desk.call("GetCommandLog", CommandId=command_id, Offset=begin, Limit=WINDOW)
    text, end = _whole_lines(said["Text"], said["NextOffset"], ended=said["NextOffset"] >= size)
    if begin and start is None:
        torn, newline, rest = text.partition("\n")
        if newline:
            begin, text = begin + len((torn + newline).encode()), rest
    shown = runs(text)
    return {
        "runs": shown,
        "failures": any("failure" in run.classes for run in shown),
        "begin": begin,
        "earlier": max(0, begin - WINDOW),
        "next": end,
        "size": said["Size"],
        "complete": said["Complete"] and end >= said["Size"],
    }


def _piece(desk: Desk, command_id: str, offset: int) -> dict[str, Any]:
    """What came after `offset`, for a page that follows."""
    said = desk.call("GetCommandLog", CommandId=command_id, Offset=offset, Limit=PIECE)
    skipped = 0
    if said["Size"] - offset > BEHIND:
        skipped = said["Size"] - PIECE - offset
        said = desk.call("GetCommandLog", CommandId=command_id, Offset=offset + skipped, Limit=PIECE)
    at_end = said["NextOffset"] >= said["Size"]
    text, end = _whole_lines(said["Text"], said["NextOffset"], ended=bool(said["Complete"]))
    [command] = desk.call("DescribeCommandDetails", CommandIds=[command_id])["Commands"]
    look = states.look("command", command["State"])
    return {
        "runs": runs(text),
        "next": end,
        "size": said["Size"],
        "skipped": skipped,
        "complete": said["Complete"],
        "more": not at_end,
        "state": {
            "kind": "command",
            "id": command_id,
            "word": look.word,
            "icon": look.icon,
            "tone": look.tone,
            "seconds": duration(command.get("Seconds")),
            "exit": "" if command.get("ExitCode") is None else str(command["ExitCode"]),
            "reason": command["Reason"],
        },
    }


def _here(url: str | None) -> str | None:
    """The address of a log as a link of this page, by whatever name the browser reached us."""
    return None if url is None else urlsplit(url)._replace(scheme="", netloc="").geturl()


def _whole_lines(text: str, end: int, *, ended: bool) -> tuple[str, int]:
    """Without a last line that is still being written, so that what marks a line or colours it is never cut in two."""
    whole, newline, torn = text.rpartition("\n")
    if ended or not newline:
        return text, end
    return whole + newline, end - len(torn.encode())
