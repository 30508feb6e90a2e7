"""Answers on the terminal: as JSON, YAML, or tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMS = ("table", "json", "yaml")


def written(answer: Mapping[str, Any], form: str) -> str:
    """The whole answer in one of FORMS; a table shows each list of records, and what stands beside them."""
    if form == "json":
        return json.dumps(answer, indent=4, ensure_ascii=False)
    if form == "yaml":
        import yaml

        text: str = yaml.safe_dump(dict(answer), sort_keys=False, allow_unicode=True)
        return text.rstrip("\n")
    blocks = [_records(value) if _is_records(value) else f"{name}: {_cell(value)}" for name, value in answer.items()]
    return "\n".join(blocks)


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Columns as wide as their widest cell; without the blanks at the ends of lines."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _records(records: list[dict[str, Any]]) -> str:
    head = list(dict.fromkeys(name for each in records for name, value in each.items() if not isinstance(value, dict)))
    return table([[_cell(each.get(name)) for name in head] for each in records], [name.upper() for name in head])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ",".join(map(_cell, value)) or "-"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)
    # What comes from nodes and users may hold control characters, and a terminal would obey them (S15).
    return "".join(character if character.isprintable() else " " for character in text)
