"""A cookbook's settings: the defaults of its `Settings`, the node's attributes over them, checked.

The attributes of cookbook `web` are `node["web"]`: whatever the levels of the chain set there, the typed class judges.
Maps merge into nested dataclasses, everything else replaces; the markers `$append` and `$delete` reach the defaults.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from toque.core.attributes import APPEND, DELETE, appends, deletes, resolved
from toque.core.errors import BadData, did_you_mean
from toque.core.resource import display


class BadSetting(BadData):
    """A value in the attributes that the cookbook's Settings does not take."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        super().__init__(f"{where}: {reason}")


class UnknownSetting(BadSetting):
    """A key that no setting has. What was meant is looked for when somebody reads the message."""

    def __init__(self, where: str, key: str, known: Iterable[str]) -> None:
        self._key, self._known = key, tuple(known)
        super().__init__(where, "there is no such setting")

    def __str__(self) -> str:
        return super().__str__() + did_you_mean(self._key, self._known)


class MissingSetting(BadSetting):
    """A setting without a default that no level gives."""


def build(kind: type[Any], attributes: Mapping[str, Any], where: str, base: Any = None) -> Any:
    """An instance of a settings dataclass from attributes; raises BadSetting that names the key (`web.port`).

    What they do not say is as in `base`, an instance, else as the class has it.
    """
    given, problems = gather(kind, attributes, where, base)
    if problems:
        raise problems[0]
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:  # what the cookbook's own __post_init__ says
        raise BadSetting(where, str(error)) from error


def gather(
    kind: type[Any], attributes: Mapping[str, Any], where: str, base: Any = None
) -> tuple[dict[str, Any], list[BadSetting]]:
    """The values for a settings dataclass, and everything in the attributes that does not fit it."""
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind) if f.init}
    base = None if deletes(attributes) else base
    given: dict[str, Any] = {} if base is None else {name: getattr(base, name) for name in known}
    problems: list[BadSetting] = []
    for key, value in attributes.items():
        if key == DELETE and value is True:
            continue
        if key not in known:
            problems.append(UnknownSetting(f"{where}.{key}", key, known))
        elif not (deletes(value) and len(value) == 1):
            default = given[key] if key in given else _default(known[key])
            try:
                given[key] = convert(hints[key], value, f"{where}.{key}", default)
            except BadSetting as error:
                problems.append(error)
                given[key] = None
    for name, field in known.items():
        if name not in given and _default(field) is MISSING:
            problems.append(MissingSetting(f"{where}.{name}", "must be set: it has no default"))
    return given, problems


def convert(hint: Any, value: Any, where: str, default: Any = MISSING) -> Any:
    """A JSON value as the annotated type, or BadSetting. Nothing is guessed: "8080" is no number, 1 is no yes."""
    if appends(value):
        return _appended(hint, value[APPEND], where, default)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return resolved(value)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where, default)
    if origin is Literal:
        if value in arguments:
            return value
        raise BadSetting(where, f"must be {' or '.join(map(repr, arguments))}; got {display(value)}")
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise BadSetting(where, f"must be a map; got {_kind(value)} {display(value)}")
        return build(hint, value, where, default if isinstance(default, hint) else None)
    if origin in (list, tuple, Sequence, frozenset, set) or hint in (list, tuple):
        return _sequence(origin or hint, arguments, value, where)
    if origin in (dict, Mapping) or hint is dict:
        return _map(arguments, value, where, default)
    return _plain(hint, value, where)


def _appended(hint: Any, items: Any, where: str, default: Any) -> Any:
    """The default, and after it what the marker says, judged by the same type."""
    if default is None or default is MISSING:
        return convert(hint, items, where)
    if not isinstance(default, list | tuple | set | frozenset):
        raise BadSetting(where, f"{APPEND} goes after a list; the default is {display(default)}")
    return type(default)([*default, *convert(hint, items, where)])


def _one_of(choices: tuple[Any, ...], value: Any, where: str, default: Any) -> Any:
    for choice in choices:
        try:
            return convert(choice, value, where, default)
        except BadSetting as error:
            problem = error
    if len([c for c in choices if c is not type(None)]) == 1:
        raise problem
    names = " or ".join(getattr(c, "__name__", str(c)) for c in choices)
    raise BadSetting(where, f"must be {names}; got {_kind(value)} {display(value)}")


def _sequence(kind: Any, arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise BadSetting(where, f"must be a list; got {_kind(value)} {display(value)}")
    element = arguments[0] if arguments else Any
    made = [convert(element, each, f"{where}[{number}]") for number, each in enumerate(value)]
    return made if kind in (list, Sequence) else kind(made)


def _map(arguments: tuple[Any, ...], value: Any, where: str, default: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadSetting(where, f"must be a map; got {_kind(value)} {display(value)}")
    element = arguments[1] if arguments else Any
    made = dict(default) if isinstance(default, Mapping) and not deletes(value) else {}
    for key, each in value.items():
        if deletes(each) and len(each) == 1:
            made.pop(key, None)
        elif key != DELETE or each is not True:
            under = made.get(key, MISSING) if appends(each) else MISSING
            made[key] = convert(element, each, f"{where}.{key}", under)
    return made


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint is type(None) and value is None:
        return None
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    fits = isinstance(value, hint) if isinstance(hint, type) else True
    if fits and not (isinstance(value, bool) and hint is not bool):
        return value
    name = "None" if hint is type(None) else getattr(hint, "__name__", str(hint))
    raise BadSetting(where, f"must be {_WORDS.get(name, name)}; got {_kind(value)} {display(value)}")


_WORDS = {"int": "a whole number", "str": "text", "bool": "true or false", "float": "a number"}


def _kind(value: Any) -> str:
    return {"str": "text", "int": "number", "float": "number", "bool": "", "NoneType": ""}.get(
        type(value).__name__, type(value).__name__
    )


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING
