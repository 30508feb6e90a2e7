"""Logs for a page: colours become classes, every other control sequence goes, lines that tell of a failure are marked.

runs("\\x1b[31mno\\x1b[0m kettle") == [Run("ansi-red", "no"), Run("", " kettle")]
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_SEQUENCE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;]*)m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC and other strings, titles and links among them
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]?"
)
# What remains of the control characters, and the marks that turn the direction of text around.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FAILURE = re.compile(
    r"^(?:\S.*\bfailed$|recipe \S+ failed\b|Traceback \(most recent call last\):|(?:ERROR|FATAL|CRITICAL)\b.*|E: .*"
    r"|[A-Za-z_.]*(?:Error|Exception): .*|>\s+\d+ \| .*)"
)


class Run(NamedTuple):
    """Text of one look: `classes` are names for the style sheet, from a fixed list."""

    classes: str
    text: str


def runs(text: str) -> list[Run]:
    """The text of a log as runs, in order; their texts together are what a reader sees."""
    found: list[Run] = []
    style: frozenset[str] = frozenset()
    for line in _overwritten(text):
        style, coloured = _coloured(line, style)
        failed = _FAILURE.match("".join(run.text for run in coloured).rstrip("\n")) is not None
        for run in coloured:
            classes = f"{run.classes} failure".strip() if failed else run.classes
            if found and found[-1].classes == classes:
                found[-1] = Run(classes, found[-1].text + run.text)
            else:
                found.append(Run(classes, run.text))
    return found


def _overwritten(text: str) -> list[str]:
    """Lines as a terminal would leave them: after a bare carriage return the line is written anew."""
    lines = text.replace("\r\n", "\n").split("\n")
    kept = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines]
    return [line + "\n" for line in kept[:-1]] + ([kept[-1]] if kept[-1] else [])


def _coloured(line: str, style: frozenset[str]) -> tuple[frozenset[str], list[Run]]:
    made: list[Run] = []
    at = 0

    def add(piece: str) -> None:
        if piece := _CONTROLS.sub("", piece):
            made.append(Run(" ".join(sorted(style)), piece))

    for match in _SEQUENCE.finditer(line):
        add(line[at : match.start()])
        at = match.end()
        if match.group("sgr") is not None:
            style = _restyled(style, match.group("sgr"))
    add(line[at:])
    return style, made


def _restyled(style: frozenset[str], codes: str) -> frozenset[str]:
    for code in (int(each or 0) for each in codes.split(";")[:8] if len(each) < 4):
        if code == 0:
            style = frozenset()
        elif code == 1:
            style |= {"ansi-bold"}
        elif code == 22:
            style -= {"ansi-bold"}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = (style & {"ansi-bold"}) | {f"ansi-{_COLOURS[code % 10]}"}
        elif code == 39:
            style &= {"ansi-bold"}
    return style
