"""A cookbook's settings: the defaults of its `Settings`, the node's attributes over them, checked.

The attributes of cookbook `web` are `node["web"]`: whatever the levels of the chain set there, the typed class judges.
Maps merge into nested dataclasses, everything else replaces.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from toque.core.errors import BadData, did_you_mean
from toque.core.resource import display


class BadSetting(BadData):
    """A value in the attributes that the cookbook's Settings does not take."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        super().__init__(f"{where}: {reason}")


def build(kind: type[Any], attributes: Mapping[str, Any], where: str) -> Any:
    """An instance of a settings dataclass from attributes; raises BadSetting that names the key (`web.port`)."""
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind) if f.init}
    given: dict[str, Any] = {}
    for key, value in attributes.items():
        if key not in known:
            raise BadSetting(f"{where}.{key}", f"there is no such setting{did_you_mean(key, known)}")
        default = _default(known[key])
        given[key] = convert(hints[key], value, f"{where}.{key}", default)
    for name, field in known.items():
        if name not in given and _default(field) is MISSING:
            raise BadSetting(f"{where}.{name}", "must be set: it has no default")
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:  # what the cookbook's own __post_init__ says
        raise BadSetting(where, str(error)) from error


def convert(hint: Any, value: Any, where: str, default: Any = MISSING) -> Any:
    """A JSON value as the annotated type, or BadSetting. Nothing is guessed: "8080" is no number, 1 is no yes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where, default)
    if origin is Literal:
        if value in arguments:
            return value
        raise BadSetting(where, f"must be {' or '.join(map(repr, arguments))}; got {display(value)}")
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise BadSetting(where, f"must be a map; got {_kind(value)} {display(value)}")
        under = {f.name: getattr(default, f.name) for f in fields(hint)} if isinstance(default, hint) else {}
        return build(hint, {**under, **value}, where)
    if origin in (list, tuple, Sequence, frozenset, set) or hint in (list, tuple):
        return _sequence(origin or hint, arguments, value, where)
    if origin in (dict, Mapping) or hint is dict:
        return _map(arguments, value, where, default)
    return _plain(hint, value, where)


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
    made = {key: convert(element, each, f"{where}.{key}") for key, each in value.items()}
    return {**default, **made} if isinstance(default, Mapping) else made


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
