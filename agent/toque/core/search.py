"""Finding items of a data bag by a query in Lucene's syntax (chapter 06, 4.2).

    field:value    AND  OR  NOT  ( )    wild*card?    "quoted value"    [low TO high]    nested.field or nested_field

Two terms without AND or OR between them are an error. Comparison is case-sensitive, values are compared as text, a list
matches when one of its elements does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from toque.core.errors import ToqueError

Matches = Callable[[Mapping[str, Any]], bool]

_SIMPLE = re.compile(r"([A-Za-z_][\w.-]*):([\w.@*?-]+|\*)")


class BadQuery(ToqueError):
    """A search query that cannot be understood."""

    def __init__(self, query: str, reason: str) -> None:
        self.query, self.reason = query, reason
        super().__init__(f"cannot search for {query!r}: {reason}")


@lru_cache(maxsize=256)
def compiled(query: str) -> Matches:
    """A query as a function of an item. The commonest form needs no parser, which takes a tenth of a second to load."""
    if query.strip() in ("*:*", "*", ""):
        return lambda item: True
    simple = _SIMPLE.fullmatch(query.strip())
    if simple is not None:
        return _term(simple[1], _text_test(simple[2]))
    return _parsed(query)


def _parsed(query: str) -> Matches:
    from luqum.exceptions import ParseError
    from luqum.parser import parser

    try:
        return _build(query, parser.parse(query), None)
    except ParseError as error:
        raise BadQuery(query, str(error)) from None


def _build(query: str, tree: Any, field: str | None) -> Matches:
    from luqum import tree as t

    match tree:
        case t.UnknownOperation():
            raise BadQuery(query, "two terms need AND or OR between them")
        case t.AndOperation() | t.OrOperation():
            parts = [_build(query, child, field) for child in tree.children]
            every = all if isinstance(tree, t.AndOperation) else any
            return lambda item: every(part(item) for part in parts)
        case t.Not() | t.Prohibit():
            inner = _build(query, tree.a, field)
            return lambda item: not inner(item)
        case t.Group() | t.FieldGroup() | t.Plus():
            return _build(query, tree.children[0], field)
        case t.SearchField():
            return _build(query, tree.expr, tree.name)
        case t.Word() | t.Phrase() | t.Range():
            if field is None:
                raise BadQuery(query, f"{tree!s} has no field: say name:{tree!s}")
            return _term(field, _value_test(tree))
    raise BadQuery(query, f"{type(tree).__name__} is not supported")


def _value_test(tree: Any) -> Callable[[str], bool]:
    from luqum import tree as t

    if isinstance(tree, t.Phrase):
        wanted = re.sub(r"\\(.)", r"\1", tree.value[1:-1])
        return lambda text: text == wanted
    if isinstance(tree, t.Range):
        return _range_test(str(tree.low).strip(), str(tree.high).strip(), tree.include_low, tree.include_high)
    return _text_test(tree.value)


def _text_test(value: str) -> Callable[[str], bool]:
    """A word, in which `*` stands for any text and `?` for one character; a backslash takes their meaning away."""
    parts = re.findall(r"\\.|[*?]|[^\\*?]+", value)
    meaning = {"*": ".*", "?": "."}
    pattern = "".join(meaning.get(part) or re.escape(re.sub(r"\\(.)", r"\1", part)) for part in parts)
    matches = re.compile(pattern, re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def _range_test(low: str, high: str, with_low: bool, with_high: bool) -> Callable[[str], bool]:
    """Numbers compare as numbers where both sides are numbers, else as text; `*` is an open end."""

    def within(text: str) -> bool:
        above = low == "*" or _less(low, text) or (with_low and text == low)
        below = high == "*" or _less(text, high) or (with_high and text == high)
        return above and below

    return within


def _less(a: str, b: str) -> bool:
    try:
        return float(a) < float(b)
    except ValueError:
        return a < b


def _term(field: str, test: Callable[[str], bool]) -> Matches:
    if field == "*":
        return lambda item: any(test(text) for value in item.values() for text in _texts(value))
    return lambda item: any(test(text) for value in _values(item, field) for text in _texts(value))


def _values(item: Mapping[str, Any], field: str) -> Iterator[Any]:
    """What stands at a field; its name may be joined of nested keys with `.` or `_`, and a key may contain either."""
    if field in item:
        yield item[field]
    for key, value in item.items():
        if isinstance(value, Mapping | list) and field.startswith((f"{key}.", f"{key}_")):
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, Mapping):
                    yield from _values(inner, field[len(key) + 1 :])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is not None and not isinstance(value, Mapping):
        yield str(value)
