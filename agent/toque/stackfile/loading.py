"""From YAML to a StackFile, strictly: unknown and repeated keys, wrong types and dangling names are all told at once.

The structures of the model are the schema. Nothing is guessed: a number where text belongs is asked to be quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import yaml
from msgspec import inspect

from toque.core.errors import did_you_mean
from toque.stackfile import hours, nodes
from toque.stackfile.consistency import complaints
from toque.stackfile.model import SECRET_NAME, Hours, SecretRef, StackFile
from toque.stackfile.problems import BadStackFile, Path, Problem, dotted

_MOST_NODES: Final = 200_000
"""Aliases can make a small text an enormous document; no stack is this large."""

_DEEPEST: Final = 100
_MOST_PROBLEMS: Final = 50
_WRONG: Final = object()
_HOURS: Final = inspect.type_info(Hours)


def load(text: str, file: str) -> StackFile:
    """The document that `text` holds; `file` is what errors call it. Raises BadStackFile with every problem.

    >>> load("stack: {name: shop}", "shop.yaml").stack.name
    'shop'
    """
    reader = _Reader(file)
    document = reader.value(inspect.type_info(StackFile), nodes.nodes(text, file), ())
    if isinstance(document, StackFile) and not reader.problems:
        for path, message in complaints(document):
            reader.wrong(path, message)
        if not reader.problems:
            return document
    raise BadStackFile(reader.problems)


class _Reader:
    """Reads one file; remembers where everything stood, and what was wrong."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._marks: dict[Path, yaml.Mark] = {}
        self._seen = 0

    def wrong(self, path: Path, message: str, node: yaml.Node | None = None) -> object:
        """Note a problem, at the node or where the path stands."""
        place = path
        while node is None and place not in self._marks:
            place = place[:-1]
        mark = self._marks[place] if node is None else node.start_mark
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(self._file, mark.line + 1, mark.column + 1, dotted(path), message))
        return _WRONG

    def value(self, kind: inspect.Type, node: yaml.Node, path: Path) -> Any:
        self._marks.setdefault(path, node.start_mark)
        self._seen += 1
        if self._seen > _MOST_NODES or len(path) > _DEEPEST:
            if self._seen == _MOST_NODES + 1 or len(path) == _DEEPEST + 1:
                self.wrong(path, "the document is too large here: is there an alias (*) that holds itself?", node)
            return _WRONG
        if isinstance(kind, inspect.UnionType):
            return self._one_of(kind, node, path)
        if node.tag == nodes.NOTHING and isinstance(kind, inspect.StructType):
            node = yaml.MappingNode(nodes.MAPPING, [], node.start_mark, node.end_mark)
        return self._as(kind, node, path)

    def _one_of(self, kind: inspect.UnionType, node: yaml.Node, path: Path) -> Any:
        kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if node.tag == nodes.NOTHING:
            if len(kinds) < len(kind.types) and not isinstance(kinds[0], inspect.DictType | inspect.VarTupleType):
                return None
            return self._mismatch(kinds[0], node, path)
        fitting = [each for each in kinds if _fits(each, node)]
        return self._as(fitting[0] if fitting else kinds[0], node, path)

    def _as(self, kind: inspect.Type, node: yaml.Node, path: Path) -> Any:
        if not _fits(kind, node):
            return self._mismatch(kind, node, path)
        match kind:
            case inspect.StructType(cls=cls) if cls is SecretRef:
                return self._secret(node, path)
            case inspect.StructType():
                return self._struct(kind, node, path)
            case inspect.DictType() if kind == _HOURS and isinstance(node, yaml.ScalarNode):
                return self._hours(node, path)
            case inspect.DictType():
                return self._map(kind.key_type, kind.value_type, node, path)
            case inspect.VarTupleType():
                values = [self.value(kind.item_type, each, (*path, n)) for n, each in enumerate(node.value)]
                return _WRONG if any(each is _WRONG for each in values) else tuple(values)
            case inspect.AnyType():
                return self._anything(node, path)
            case inspect.LiteralType():
                found = nodes.plain(node) if isinstance(node, yaml.ScalarNode) else None
                return found if found in kind.values else self._mismatch(kind, node, path)
            case inspect.FloatType():
                return float(node.value) if isfinite(float(node.value)) else self._mismatch(kind, node, path)
        return nodes.plain(node)

    def _struct(self, kind: inspect.StructType, node: yaml.Node, path: Path) -> Any:
        fields = {each.name: each for each in kind.fields}
        made: dict[str, Any] = {}
        for name, key, value in self._members(node, path):
            if name not in fields:
                hint = did_you_mean(name, fields)
                self.wrong((*path, name), f"there is no such setting{hint}", key)
            else:
                made[name] = self.value(fields[name].type, value, (*path, name))
        missing = [each.name for each in fields.values() if each.required and each.name not in made]
        for name in missing:
            self.wrong(path, f"{name} is missing: {_wanted(fields[name].type)}", node)
        if missing or any(value is _WRONG for value in made.values()):
            return _WRONG
        return kind.cls(**made)

    def _map(self, key_kind: inspect.Type, value_kind: inspect.Type, node: yaml.Node, path: Path) -> Any:
        made: dict[str, Any] = {}
        for name, key, value in self._members(node, path):
            if isinstance(key_kind, inspect.LiteralType) and name not in key_kind.values:
                self.wrong((*path, name), f"this must be one of {', '.join(map(str, key_kind.values))}", key)
                continue
            made[name] = self.value(value_kind, value, (*path, name))
        return _WRONG if any(value is _WRONG for value in made.values()) else made

    def _members(self, node: yaml.Node, path: Path) -> list[tuple[str, yaml.Node, yaml.Node]]:
        """Each key's text as it is written, its node and its value's; keys that stand there twice are told."""
        found: list[tuple[str, yaml.Node, yaml.Node]] = []
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self.wrong(path, "a key must be plain text; merging with << is not read", key)
                continue
            if key.value in first:
                self.wrong((*path, key.value), f"this key stands here twice, first in line {first[key.value]}", key)
                continue
            first[key.value] = key.start_mark.line + 1
            self._marks[(*path, key.value)] = key.start_mark
            found.append((key.value, key, value))
        return found

    def _anything(self, node: yaml.Node, path: Path) -> Any:
        """A JSON value, in which any text may be a secret."""
        if node.tag == nodes.SECRET:
            return self._secret(node, path)
        if isinstance(node, yaml.MappingNode):
            return self._map(inspect.StrType(), inspect.AnyType(), node, path)
        if isinstance(node, yaml.SequenceNode):
            values = [self.value(inspect.AnyType(), each, (*path, n)) for n, each in enumerate(node.value)]
            return _WRONG if any(each is _WRONG for each in values) else values
        found = nodes.plain(node)
        if isinstance(found, float) and not isfinite(found):
            return self.wrong(path, f"{node.value} is larger than any number that JSON readers know", node)
        return found

    def _secret(self, node: yaml.Node, path: Path) -> Any:
        if not isinstance(node, yaml.ScalarNode) or not SECRET_NAME.fullmatch(node.value):
            return self.wrong(path, "a secret's name has letters, digits and '_', such as !secret DB_PASSWORD", node)
        return SecretRef(node.value)

    def _hours(self, node: yaml.Node, path: Path) -> Any:
        try:
            return hours.parsed(str(node.value))
        except hours.BadHours as error:
            return self.wrong(path, str(error), node)

    def _mismatch(self, kind: inspect.Type, node: yaml.Node, path: Path) -> object:
        if node.tag not in _KNOWN_TAGS:
            return self.wrong(path, f"the tag {node.tag} is unknown: the only one is !secret", node)
        if isinstance(kind, inspect.StructType) and kind.cls is SecretRef:
            # What stands there may be the secret itself, so it is not repeated.
            return self.wrong(path, "no secret stands in this file: please write !secret NAME, and give it apart", node)
        hint = ""
        if node.tag in _NOT_TEXT and isinstance(kind, inspect.StrType | inspect.LiteralType):
            hint = ': please put it in quotes ("…")' if isinstance(kind, inspect.StrType) else ""
        if node.tag == nodes.SECRET:
            hint = "; secrets are for passwords, keys, secure variables and data"
        if node.tag == nodes.NOTHING:
            hint = ": please write it, or leave the key out"
        return self.wrong(path, f"this must be {_wanted(kind)}, not {_found(node)}{hint}", node)


_KNOWN_TAGS: Final = frozenset(
    {nodes.SECRET, nodes.TEXT, nodes.NUMBER, nodes.FRACTION, nodes.SWITCH, nodes.NOTHING}
    | {nodes.MAPPING, nodes.SEQUENCE}
)
_NOT_TEXT: Final = frozenset({nodes.NUMBER, nodes.FRACTION, nodes.SWITCH})

_SIMPLE: Final[Mapping[type, tuple[frozenset[str], str]]] = {
    inspect.StrType: (frozenset({nodes.TEXT}), "text"),
    inspect.IntType: (frozenset({nodes.NUMBER}), "a whole number"),
    inspect.FloatType: (frozenset({nodes.NUMBER, nodes.FRACTION}), "a number"),
    inspect.BoolType: (frozenset({nodes.SWITCH}), "true or false"),
    inspect.DictType: (frozenset({nodes.MAPPING}), "a mapping (key: value)"),
    inspect.VarTupleType: (frozenset({nodes.SEQUENCE}), "a list"),
    inspect.LiteralType: (frozenset({nodes.TEXT, nodes.NUMBER}), ""),
}


def _fits(kind: inspect.Type, node: yaml.Node) -> bool:
    if isinstance(kind, inspect.AnyType):
        return node.tag in _KNOWN_TAGS
    if isinstance(kind, inspect.StructType):
        return bool(node.tag == (nodes.SECRET if kind.cls is SecretRef else nodes.MAPPING))
    if kind == _HOURS:
        return isinstance(node, yaml.MappingNode | yaml.ScalarNode) and node.tag in (nodes.MAPPING, nodes.TEXT)
    tags, _ = _SIMPLE[type(kind)]
    return node.tag in tags


def _wanted(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, kind.values))}"
        case inspect.StructType(cls=cls):
            return "!secret NAME" if cls is SecretRef else "a mapping (key: value)"
        case inspect.UnionType():
            said = [_wanted(each) for each in kind.types if not isinstance(each, inspect.NoneType)]
            return " or ".join(dict.fromkeys(said))
    return _SIMPLE[type(kind)][1]


def _found(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == nodes.NOTHING:
        return "nothing"
    text = str(node.value)
    return (
        repr(text)
        if len(text) <= 40 and node.tag != nodes.SECRET
        else "a secret"
        if node.tag == nodes.SECRET
        else "a long text"
    )
