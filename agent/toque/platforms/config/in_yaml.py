"""YAML: the text of the one value is changed where the parser says it stands, so that comments and order stay.

What came of it is read again; where it is not what was wanted (an anchor, a merged key), nothing is changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from toque.platforms.config import ABSENT, CannotEdit, plain, same, with_value


def edited(text: str, keys: Sequence[str], value: Any) -> str:
    data = _parsed(text, "it is not YAML of one document")
    wanted = with_value({} if data is None else data, keys, value if value is ABSENT else plain(value))
    if same({} if data is None else data, wanted):
        return text
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    if value is ABSENT:
        made = _without(text, root, keys)
    elif root is None or (isinstance(root, yaml.ScalarNode) and data is None):
        made = text + ("" if not text or text.endswith("\n") else "\n") + _block(_nested(keys, plain(value)), 0)
    else:
        made = _with(text, root, keys, plain(value))
    after = _parsed(made, _CANNOT)
    if not same({} if after is None else after, wanted):
        raise CannotEdit(_CANNOT)
    return made


_CANNOT = "it cannot be changed in place: it stands behind an anchor, a merged key or in a list; change what holds it"


def _parsed(text: str, otherwise: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CannotEdit(f"{otherwise} ({str(error).splitlines()[0]})") from None


def _with(text: str, root: yaml.Node, keys: Sequence[str], value: Any) -> str:
    """Set a value: in the place of the old one, or as a new entry of the innermost mapping that is there."""
    node = root
    for depth, key in enumerate(keys):
        pair = _entry(node, key)
        if pair is None:
            return _inserted(text, node, _nested(keys[depth:], value))
        name, node = pair
        rest = keys[depth + 1 :]
        if not rest or not isinstance(node, yaml.MappingNode):
            return _replaced(text, name, node, _nested(rest, value) if rest else value)
    raise AssertionError("there is at least one key")


def _entry(node: yaml.Node, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next(((name, value) for name, value in pairs if str(name.value) == key), None)


def _replaced(text: str, name: yaml.Node, node: yaml.Node, value: Any) -> str:
    """Another value behind the colon of an entry."""
    colon = text.index(":", name.end_mark.index)
    end = _end(node)
    is_block_text = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return f"{text[: colon + 1]} {_inline(value)}{chr(10) if is_block_text else ''}{text[max(end, colon + 1) :]}"


def _inserted(text: str, node: Any, entry: dict[str, Any]) -> str:
    if node.flow_style:
        at = node.end_mark.index - 1
        comma = ", " if node.value else ""
        return f"{text[:at].rstrip()}{comma}{_inline(entry)[1:-1]}{text[at:]}"
    at = _line_end(text, _end(node))
    gap = "" if text[:at].endswith("\n") else "\n"
    return text[:at] + gap + _block(entry, node.value[0][0].start_mark.column) + text[at:]


def _without(text: str, root: Any, keys: Sequence[str]) -> str:
    name, node, above = root, root, root
    for key in keys:
        pair = _entry(node, key)
        assert pair is not None, "it was seen in the data"
        above, (name, node) = node, pair
    if above.flow_style:
        left = {each.value: yaml.SafeLoader("").construct_object(value, deep=True) for each, value in above.value}
        left.pop(keys[-1])
        return text[: above.start_mark.index] + _inline(left) + text[above.end_mark.index :]
    if len(above.value) == 1 and above is not root:
        holder = root
        for key in keys[:-2]:
            holder = _entry(holder, key)[1]  # type: ignore[index]
        return _replaced(text, _entry(holder, keys[-2])[0], above, {})  # type: ignore[index]
    start = text.rfind("\n", 0, name.start_mark.index) + 1
    return text[:start] + text[_line_end(text, max(_end(node), name.end_mark.index)) :]


def _end(node: yaml.Node) -> int:
    """Where a value really ends; the parser says of a block that it ends where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(_end(last[1]), int(last[0].end_mark.index) + 1) if isinstance(last, tuple) else _end(last)
    return int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    """The beginning of the line after the one that `at` is in."""
    if at > 0 and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _block(entry: dict[str, Any], indent: int) -> str:
    lines = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=1 << 20).splitlines()
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _inline(value: Any) -> str:
    if isinstance(value, dict | list) or (isinstance(value, str) and "\n" in value):
        return json.dumps(value, ensure_ascii=False)
    return yaml.safe_dump(value, allow_unicode=True, width=1 << 20).removesuffix("\n").removesuffix("\n...")
