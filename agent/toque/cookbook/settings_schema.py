"""A cookbook's settings.py, read without executing it: which keys there are, of which types, and whether values fit.

For whoever must judge settings and may not run what others wrote: the server, when custom JSON is saved and a cookbook
published, and the author's tools. The syntax tree is read into dataclasses like those of the file, and `settings.build`
judges by them, so the verdicts are those of a node. What cannot be read so is named in `unread`, and lets pass.
"""

from __future__ import annotations

import ast
import collections.abc as abc
import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import MISSING, field, fields
from pathlib import Path
from typing import Any, Final

from toque.cookbook.schema import Key, Schema
from toque.core.errors import ToqueError

__all__ = ["Key", "Schema", "UnreadableSettings", "parse_settings", "read_settings"]

_BUILTINS: Final[dict[str, Any]] = {
    kind.__name__: kind for kind in (int, str, bool, float, bytes, list, dict, tuple, set, frozenset)
}
_MODULES: Final[dict[str, dict[str, Any]]] = {
    "typing": {name: getattr(typing, name) for name in
               ("Any", "Literal", "Optional", "Union", "Annotated", "List", "Dict", "Tuple", "Set", "FrozenSet",
                "Sequence", "Mapping", "ClassVar", "Final")},
    "collections.abc": {"Sequence": abc.Sequence, "Mapping": abc.Mapping},
    "pathlib": {"Path": Path},
    "dataclasses": {"dataclass": dataclasses.dataclass, "field": dataclasses.field},
    "toque": {"Secret": str},
    "toque.core": {"Secret": str},
}  # fmt: skip
"""What a settings.py may import and we understand. A Secret comes as text until it is on a node."""


class UnreadableSettings(ToqueError):
    """A settings.py that is no Python, or has no dataclass `Settings`: no node could use it either."""


class _Unread(Exception):
    """A part of the file that only running it would tell."""


def read_settings(root: Path, cookbook: str) -> Schema | None:
    """The schema of the cookbook in a folder; None when it has no settings.py. Raises UnreadableSettings."""
    path = root / "settings.py"
    return parse_settings(path.read_text(encoding="utf-8"), cookbook) if path.is_file() else None


def parse_settings(text: str, cookbook: str) -> Schema:
    """The schema that the text of a settings.py gives. Raises UnreadableSettings with the line."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UnreadableSettings(f"{cookbook}/settings.py:{line}: {getattr(error, 'msg', error)}") from None
    try:
        return _Reader(tree).schema(cookbook)
    except RecursionError:
        raise UnreadableSettings(f"{cookbook}/settings.py:1: its expressions nest too deep to be read") from None


class _Reader:
    """The names of one file, and what each stands for."""

    def __init__(self, tree: ast.Module) -> None:
        self._names: dict[str, Any] = dict(_BUILTINS)
        self._keys: dict[str, tuple[Key, ...]] = {}
        self._docs: dict[str, str] = {}
        self._open: set[str] = set()
        self._weights: dict[str, int] = {}
        self.unread: list[str] = []
        for statement in tree.body:
            try:
                self._weigh(statement)
                self._read(statement)
            except _Unread as reason:
                self.unread.append(f"line {statement.lineno}: {reason}")
                for name in _bound_by(statement):
                    self._names[name] = _Unread(str(reason))

    def schema(self, cookbook: str) -> Schema:
        kind = self._names.get("Settings")
        if kind is None:
            raise UnreadableSettings(f"{cookbook}/settings.py: needs a frozen dataclass called Settings")
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            if not isinstance(kind, _Unread):
                raise UnreadableSettings(f"{cookbook}/settings.py: Settings must be a frozen dataclass")
            return Schema(cookbook, "", (), tuple(self.unread), dataclasses.make_dataclass("Settings", ()), True)
        name = kind.__name__
        keys, doc = self._keys.get(name, ()), self._docs.get(name, "")
        return Schema(cookbook, doc, keys, tuple(self.unread), kind, name in self._open)

    def _weigh(self, statement: ast.stmt) -> None:
        """Refuse what names of names would blow up: written out whole, each statement must stay of a bearable size."""
        weight = self._weight(statement)
        if weight > _HEAVIEST:
            raise _Unread("too much, with all that it names")
        for name in _bound_by(statement):
            self._weights[name] = weight

    def _weight(self, part: ast.AST) -> int:
        total = 0
        for node in ast.walk(part):
            total += 1
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                total += self._weights.get(node.id, 0)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                total += sum(weight for name, weight in self._weights.items() if _is_annotation_with(node.value, name))
        return total

    def _read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import(names=names):
                for each in names:
                    if each.name in _MODULES:
                        self._names[each.asname or each.name] = _MODULES[each.name]
            case ast.ImportFrom(module=module, names=names, level=0):
                known = _MODULES.get(module or "", {})
                if any(each.name == "*" for each in names):
                    raise _Unread(f"everything of {module}")
                for each in names:
                    if each.name in known:
                        self._names[each.asname or each.name] = known[each.name]
                    elif module != "__future__":
                        self._names[each.asname or each.name] = _Unread(f"{module}.{each.name}")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._names[name] = self._meaning(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._names[name] = self._meaning(value)
            case ast.ClassDef():
                self._read_class(statement)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                raise _Unread(f"a {type(statement).__name__} statement is not carried out")

    def _meaning(self, value: ast.expr) -> Any:
        """What a name of the module stands for: a type, or a plain value."""
        try:
            return self._value(value)
        except _Unread:
            return self._hint(value)

    # Classes

    def _read_class(self, statement: ast.ClassDef) -> None:
        name = statement.name
        decorators = [self._called(each) for each in statement.decorator_list]
        if dataclasses.dataclass not in decorators:
            self._names[name] = _Unread(f"{name} is no dataclass") if statement.bases else type(name, (), {})
            return
        bases = tuple(filter(None, (self._base(each, name) for each in statement.bases)))
        if len(decorators) > 1 or statement.keywords:
            self._open.add(name)
            self.unread.append(f"line {statement.lineno}: what else makes the class {name}")
        made: list[tuple[str, Any, Any]] = []
        keys = [key for base in bases for key in self._keys.get(base.__name__, ())]
        for each, doc in _with_docs(statement.body):
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                key, entry = self._field(each, each.target.id, doc)
                if entry is not None:
                    made.append(entry)
                    keys = [known for known in keys if known.name != key.name] + ([key] if entry[2].init else [])
            elif isinstance(each, ast.FunctionDef) and each.name in ("__post_init__", "__init__", "__new__"):
                self.unread.append(f"line {each.lineno}: what {name}.{each.name} checks")
        self._keys[name], self._docs[name] = tuple(keys), ast.get_docstring(statement) or ""
        self._names[name] = dataclasses.make_dataclass(name, made, bases=bases, kw_only=True, frozen=True)

    def _base(self, base: ast.expr, name: str) -> type[Any] | None:
        found = self._names.get(base.id) if isinstance(base, ast.Name) else None
        if isinstance(found, type):
            if base.id in self._open:  # type: ignore[attr-defined]
                self._open.add(name)
            return found if dataclasses.is_dataclass(found) else None
        if ast.unparse(base) != "object":
            self._open.add(name)
            self.unread.append(f"line {base.lineno}: what {name} has from {ast.unparse(base)}")
        return None

    def _field(self, each: ast.AnnAssign, name: str, doc: str) -> tuple[Key, tuple[str, Any, Any] | None]:
        written = ast.unparse(each.annotation)
        try:
            hint = self._hint(each.annotation)
        except _Unread as reason:
            hint = Any
            self.unread.append(f"line {each.lineno}: {name}: {reason}")
        default, init, shown = self._default(each, name)
        unread = default is _UNKNOWN
        if unread:
            self.unread.append(f"line {each.lineno}: the default of {name}")
            default = None
            hint = Any if _nests(hint) else hint
        key = Key(name, written, shown, doc, each.lineno, self._keys.get(getattr(hint, "__name__", ""), ()))
        if hint is typing.ClassVar or typing.get_origin(hint) is typing.ClassVar:
            return key, None
        made: Any = field(init=init)
        if default is not MISSING:
            made = field(init=init, default_factory=lambda: default, metadata={"unread": unread})
        return key, (name, hint, made)

    def _default(self, each: ast.AnnAssign, name: str) -> tuple[Any, bool, str]:
        """(value, whether it can be given, as written)."""
        if each.value is None:
            return MISSING, True, ""
        value = each.value
        if isinstance(value, ast.Call) and self._called(value) is dataclasses.field:
            options = {option.arg: option.value for option in value.keywords}
            init = not (isinstance(options.get("init"), ast.Constant) and not ast.literal_eval(options["init"]))
            if "default" in options:
                return self._known(options["default"]), init, ast.unparse(options["default"])
            if "default_factory" in options:
                factory = options["default_factory"]
                made = factory.body if isinstance(factory, ast.Lambda) else ast.Call(factory, [], [])
                shown = ast.unparse(made)
                return self._known(made), init, {"list()": "[]", "dict()": "{}", "tuple()": "()"}.get(shown, shown)
            return MISSING, init, ""
        return self._known(value), True, ast.unparse(value)

    def _known(self, value: ast.expr) -> Any:
        try:
            return self._value(value)
        except _Unread:
            return _UNKNOWN

    # Values and types

    def _called(self, node: ast.expr) -> Any:
        """What a decorator or the function of a call stands for."""
        node = node.func if isinstance(node, ast.Call) else node
        try:
            return self._name(node)
        except _Unread:
            return None

    def _name(self, node: ast.expr) -> Any:
        found: Any = None
        if isinstance(node, ast.Name):
            found = self._names.get(node.id, _Unread(f"nobody knows {node.id}"))
        elif isinstance(node, ast.Attribute):
            module = self._names.get(ast.unparse(node.value))
            found = module.get(node.attr) if isinstance(module, dict) else None
        if found is None or isinstance(found, _Unread):
            raise _Unread(f"{ast.unparse(node)} is not read")
        return found

    def _value(self, node: ast.expr) -> Any:
        """A value that is written out, or made of dataclasses of this file and of plain containers."""
        match node:
            case ast.Constant():
                return node.value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.List(elts=parts):
                return [self._value(each) for each in parts]
            case ast.Tuple(elts=parts):
                return tuple(self._value(each) for each in parts)
            case ast.Set(elts=parts):
                return self._guarded(lambda: {self._value(each) for each in parts})
            case ast.Dict(keys=keys, values=values) if all(keys):
                pairs = [(self._value(key), self._value(each)) for key, each in zip(keys, values, strict=True) if key]
                return self._guarded(lambda: dict(pairs))
            case ast.Name():
                found = self._name(node)
                if not isinstance(found, type | dict) and typing.get_origin(found) is None:
                    return found
            case ast.Call(func=function, args=args, keywords=named) if all(each.arg for each in named):
                kind = self._name(function)
                if kind in (list, dict, tuple, set, frozenset, Path) or dataclasses.is_dataclass(kind):
                    given = [self._value(each) for each in args]
                    options = {str(each.arg): self._value(each.value) for each in named}
                    return self._guarded(lambda: _made(kind, given, options))
        raise _Unread(f"{ast.unparse(node)} is not worked out")

    def _guarded(self, make: typing.Callable[[], Any]) -> Any:
        try:
            return make()
        except (TypeError, ValueError) as error:
            raise _Unread(str(error)) from None

    def _hint(self, node: ast.expr) -> Any:
        """The type that an annotation names."""
        match node:
            case ast.Constant(value=None):
                return type(None)
            case ast.Constant(value=str() as text):
                try:
                    return self._hint(ast.parse(text, mode="eval").body)
                except SyntaxError:
                    raise _Unread(f"{text!r} is no type") from None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return typing.Union[self._hint(left), self._hint(right)]  # noqa: UP007
            case ast.Subscript(value=generic, slice=inner):
                return self._generic(self._name(generic), inner)
            case ast.Name() | ast.Attribute():
                found = self._name(node)
                if isinstance(found, type) or typing.get_origin(found) is not None or found in _TYPING:
                    return found
        raise _Unread(f"{ast.unparse(node)} is no type that is read")

    def _generic(self, generic: Any, inner: ast.expr) -> Any:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if generic is typing.Annotated:
            return self._hint(parts[0])
        if generic is typing.Literal:
            return typing.Literal[tuple(self._value(each) for each in parts)]
        hints = tuple(
            ... if isinstance(each, ast.Constant) and each.value is ... else self._hint(each) for each in parts
        )
        if generic is typing.Final:
            return hints[0]
        return self._guarded(lambda: generic[hints if len(hints) > 1 else hints[0]])


_UNKNOWN: Final = object()
_HEAVIEST: Final = 20_000
_LONGEST_ANNOTATION: Final = 200
_TYPING: Final = tuple(_MODULES["typing"].values())


def _is_annotation_with(text: str, name: str) -> bool:
    """Whether a text may be an annotation in quotes that names this."""
    return len(text) <= _LONGEST_ANNOTATION and name in text


def _made(kind: Any, given: list[Any], options: dict[str, Any]) -> Any:
    """An instance; of a dataclass with values by position too, which ours take by name."""
    if not dataclasses.is_dataclass(kind):
        return kind(*given, **options)
    names = [f.name for f in fields(kind) if f.init]
    if len(given) > len(names):
        raise TypeError(f"{getattr(kind, '__name__', kind)} takes {len(names)} values")
    return kind(**dict(zip(names, given, strict=False)), **options)  # type: ignore[operator]


def _nests(hint: Any) -> bool:
    """Whether a dataclass is in a type, whose defaults would then matter."""
    return dataclasses.is_dataclass(hint) or any(map(_nests, typing.get_args(hint)))


def _with_docs(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """The statements of a class, each with the text that stands below it."""
    for each, after in zip(body, [*body[1:], None], strict=True):
        doc = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            doc = after.value.value.strip()
        yield each, doc


def _bound_by(statement: ast.stmt) -> list[str]:
    """The names that a statement gives a meaning."""
    if isinstance(statement, ast.ImportFrom):
        return ["Settings"]  # of `import *`, which may bring it
    return [
        each.id if isinstance(each, ast.Name) else each.name
        for each in ast.walk(statement)
        if isinstance(each, ast.ClassDef | ast.FunctionDef)
        or (isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    ]
