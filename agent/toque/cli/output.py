"""Answers on the terminal: as JSON, YAML, tables, or the lines of words that scripts of `aws` read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

FORMS = ("table", "json", "yaml")
"""What the daily verbs offer; `toque opsworks` has `text` and `yaml-stream` too."""


def written(answer: Any, form: str) -> str:
    """The whole answer in one form; a table shows each list of records, and what stands beside them."""
    match form:
        case "json":
            return json.dumps(answer, indent=4, ensure_ascii=False)
        case "yaml" | "yaml-stream":
            import yaml

            value = [answer] if form == "yaml-stream" else answer
            text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
            return text.removesuffix("\n...\n").rstrip("\n")
        case "text":
            return "\n".join(_text(answer, None, None))
    return "\n".join(_blocks(answer))


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Columns as wide as their widest cell; without the blanks at the ends of lines."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def cell(value: Any) -> str:
    """A value on one line, without what a terminal would obey."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ",".join(map(cell, value)) or "-"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)
    return _harmless(text)


def _blocks(answer: Any) -> Iterator[str]:
    if isinstance(answer, dict):
        for name, value in answer.items():
            yield _records(value) if _is_records(value) else f"{name}: {cell(value)}"
    elif _is_records(answer):
        yield _records(answer)
    elif isinstance(answer, list):
        yield from ("  ".join(map(cell, row)) if isinstance(row, list) else cell(row) for row in answer)
    else:
        yield cell(answer)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _records(records: list[dict[str, Any]]) -> str:
    head = list(dict.fromkeys(name for each in records for name, value in each.items() if not isinstance(value, dict)))
    return table([[cell(each.get(name)) for name in head] for each in records], [name.upper() for name in head])


def _text(value: Any, name: str | None, columns: Sequence[str] | None) -> Iterator[str]:
    """Tabs between words, a line per record, the name of its list in front, in the order that `aws` has them."""
    match value:
        case dict():
            plain = sorted(key for key, each in value.items() if not _nested(each)) if columns is None else columns
            words = [_word(value[key]) if key in value else "" for key in plain]
            if words:
                yield "\t".join([name.upper(), *words] if name else words)
            for key in sorted(set(value) - set(plain)):
                yield from _text(value[key], key, None)
        case list() if any(isinstance(each, dict) for each in value):
            records = [each for each in value if isinstance(each, dict)]
            shared = sorted({key for each in records for key, inner in each.items() if not _nested(inner)})
            for each in value:
                yield from _text(each, name, shared)
        case list():
            plain_words = [_word(each) for each in value if not _nested(each)]
            if plain_words and name:
                yield from (f"{name.upper()}\t{word}" for word in plain_words)
            elif plain_words:
                yield "\t".join(plain_words)
            for each in value:
                if _nested(each):
                    yield from _text(each, name, None)
        case _:
            yield _word(value)


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _word(value: Any) -> str:
    return str(value)


def _harmless(text: str) -> str:
    # What comes from nodes and users may hold control characters, and a terminal would obey them (S15).
    return "".join(character if character.isprintable() else " " for character in text)
