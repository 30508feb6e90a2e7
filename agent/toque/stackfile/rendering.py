"""A plan as text for people: what is made, changed and deleted, with the values before and after; never a secret."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from toque.stackfile import hours
from toque.stackfile.comparing import JSON_FIELDS, as_object
from toque.stackfile.model import Part, SecretRef
from toque.stackfile.plan import Change, Left, Plan, Step

_SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_COLOURS: Final = {"+": "\x1b[32m", "~": "\x1b[33m", "-": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"
_LONGEST: Final = 100


def lines(plan: Plan, *, colour: bool = False) -> list[str]:
    """The whole plan; nothing where there is nothing to do, and nothing to tell."""
    return [_painted(line) if colour else line for line in _lines(plan)]


def title(step: Step) -> str:
    """What a step is about, on one line: `+ layer app`, `~ layer app: tags`."""
    owner = f" of {step.owner.level} {step.owner.name}" if step.owner is not None else ""
    part = f": {step.part}" if step.part else ""
    return _harmless(f"{_SIGNS[step.verb]} {step.kind} {step.name}{owner}{part}")


def summary(steps: Sequence[Step]) -> str:
    """
    >>> summary([])
    'no differences'
    """
    said = {"create": "to create", "update": "to update", "delete": "to delete"}
    counts = {verb: sum(each.verb == verb for each in steps) for verb in said}
    return ", ".join(f"{number} {said[verb]}" for verb, number in counts.items() if number) or "no differences"


def _lines(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield title(step)
        for change in step.changes:
            yield from (f"    {line}" for line in _change(step, change))
    for left in plan.left:
        yield f"  {_left(left)} is not in the file, and is left alone (--prune deletes it)"


def _left(left: Left) -> str:
    owner = f" of {left.owner.level} {left.owner.name}" if left.owner is not None else ""
    return _harmless(f"{left.kind} {left.name}{owner}")


def _change(step: Step, change: Change) -> Iterator[str]:
    before = as_object(change.was) if change.field in JSON_FIELDS else change.was
    was, want = _shown(change.field, _veiled(before, change.want)), _shown(change.field, change.want)
    if step.verb == "create":
        yield from _block(f"{change.field}:", want)
    elif _is_short(was) and _is_short(want):
        if was == want:
            want = f"{want} (sent again)"
        yield _harmless(f"{change.field}: {was} → {want}")
    else:
        yield f"{change.field}:"
        compared = difflib.unified_diff(was.splitlines(), want.splitlines(), lineterm="", n=1)
        for line in list(compared)[2:]:
            if not line.startswith("@@"):
                yield _harmless(f"  {line}")


def _block(head: str, text: str) -> Iterator[str]:
    if _is_short(text):
        yield _harmless(f"{head} {text}")
        return
    yield head
    for line in text.splitlines():
        yield _harmless(f"  {line}")


def _shown(field: str, value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, SecretRef):
        return "(secret)"
    if field in JSON_FIELDS:
        value = as_object(value)
    if field == "schedule":
        value = {day: hours.shown(each) or each for day, each in value.items()}
    plain = _values(value)
    if isinstance(plain, str):
        return plain or '""'
    text = json.dumps(plain, ensure_ascii=False)
    return text if len(text) <= _LONGEST else json.dumps(plain, ensure_ascii=False, indent=2)


def _values(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return "(secret)"
    if isinstance(value, Part):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _values(each) for name, each in fields.items() if each not in (None, (), {})}
    if isinstance(value, Mapping):
        return {key: _values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_values(each) for each in value]
    return value


def _veiled(was: Any, want: Any) -> Any:
    """What was there, without what the file calls a secret: of data the server tells the values."""
    if isinstance(want, SecretRef):
        return None if was is None else want
    if isinstance(was, Mapping) and isinstance(want, Mapping):
        return {key: _veiled(each, want.get(key)) for key, each in was.items()}
    if isinstance(was, list) and isinstance(want, list):
        return [_veiled(each, want[n] if n < len(want) else None) for n, each in enumerate(was)]
    return was


def _is_short(text: str) -> bool:
    return "\n" not in text and len(text) <= _LONGEST


def _painted(line: str) -> str:
    sign = line.lstrip()[:1] if line[:1] == " " else line[:1]
    colour = _COLOURS.get(sign)
    return f"{colour}{line}{_PLAIN}" if colour else line


def _harmless(text: str) -> str:
    """Values may come from a server and from other people: a terminal obeys none of them."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
