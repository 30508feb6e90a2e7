"""Checking what a recipe gives to a word, so that a wrong property is named with what would be right.

The check is made from the class's own annotations, once per class; then it looks only at what was given.
"""

from __future__ import annotations

import collections.abc as abc
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from toque.core.errors import BadProperty, did_you_mean
from toque.core.files import mode_bits
from toque.core.options import as_new
from toque.core.resource import Resource, display

R = TypeVar("R", bound=Resource[Any])
Check = Callable[[Any], bool]


def make(kind: Callable[..., R], args: Sequence[Any], kwargs: Mapping[str, Any]) -> R:
    """The resource; raises BadProperty where its class would raise something that only we understand."""
    known = _KNOWN.get(kind)
    if known is None:
        known = _KNOWN[kind] = _Known(kind)  # type: ignore[arg-type]
    for name, value in zip(known.positional, args, strict=False):
        if not known.checks[name](value):
            raise BadProperty(known.wrong(name, value))
    for name, value in kwargs.items():
        check = known.checks.get(name)
        if check is None:
            raise BadProperty(f"{known.word} has no property {name}{did_you_mean(name, known.checks)}")
        if not check(value):
            raise BadProperty(known.wrong(name, value))
    if len(args) > len(known.positional):
        raise BadProperty(
            f"{known.word} takes {', '.join(known.positional)} by position, the rest by name; got {len(args)} values"
        )
    for name in known.required:
        if name not in kwargs and (name not in known.positional or known.positional.index(name) >= len(args)):
            raise BadProperty(f"{known.word} needs {name}")
    made: R = known.made(args, kwargs) if known.is_plain else kind(*args, **kwargs)
    if not _JUDGED.isdisjoint(kwargs):
        _judge_options(made, known)
    return made


_JUDGED = frozenset({"timeout", "umask", "retries", "retry_delay", "retry_until", "tags", "when_creating"})
"""The options of which a type does not tell all."""


def _judge_options(made: Resource[Any], known: _Known) -> None:
    word = known.word
    if made.timeout is not None and made.timeout <= 0:
        raise BadProperty(f"{word} timeout must be more than 0 seconds, got {made.timeout:g}")
    mode_bits(f"{word} umask:", made.umask)
    for name in ("retries", "retry_delay"):
        if getattr(made, name) < 0:
            raise BadProperty(f"{word} {name} must not be less than 0, got {getattr(made, name)}")
    for tag in made.tags:
        if not tag or not tag.isprintable() or " " in tag:
            raise BadProperty(f'{word} tags must be words such as "web" or "team:blue", got {tag!r}')
    for name, value in (made.when_creating or {}).items():
        check = known.checks.get(name)
        if check is None:
            raise BadProperty(f"{word} when_creating: {word} has no property {name}{did_you_mean(name, known.checks)}")
        if name in known.positional or name in _OPTIONS:
            raise BadProperty(f"{word} when_creating must not hold {name}: it is the same for a new and an old one")
        if not check(value):
            raise BadProperty(known.wrong(name, value).replace(f"{word} ", f"{word} when_creating: ", 1))
    if made.when_creating:
        as_new(made)


_OPTIONS = frozenset(f.name for f in fields(Resource))


class _Known:
    """What a class says of its properties."""

    def __init__(self, kind: type[Resource[Any]]) -> None:
        hints = get_type_hints(kind)
        settable = [f for f in fields(kind) if f.init]
        self.word = kind.word
        self.positional = [f.name for f in settable if not f.kw_only]
        self.required = [f.name for f in settable if f.default is MISSING and f.default_factory is MISSING]
        self.checks = {f.name: check_for(hints[f.name]) for f in settable}
        self._says = {f.name: words_for(hints[f.name]) for f in settable}

        generated = kind.__init__.__code__.co_filename == "<string>"
        self.is_plain = generated and "__slots__" not in vars(kind) and not _has_init_vars(kind)
        self._kind = kind
        self._factories = [(f.name, f.default_factory) for f in fields(kind) if f.default_factory is not MISSING]
        self._judge = getattr(kind, "__post_init__", None)

    def made(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What the dataclass's own `__init__` would make, setting only what is given: the rest stands in the class.

        A word has some thirty properties and a line gives three. Setting all of them takes longer than converging does,
        and beyond thirty Python keeps a table of names for each instance.
        """
        made = object.__new__(self._kind)
        values = made.__dict__
        values.update(zip(self.positional, args, strict=False))
        values.update(kwargs)
        for name, factory in self._factories:
            if name not in values:
                values[name] = factory()
        if self._judge is not None:
            self._judge(made)
        return made

    def wrong(self, name: str, value: Any) -> str:
        hint = ""
        if name in ("only_if", "not_if"):
            hint = _GUARD_HINT
        elif name == "mode" and type(value) is int:
            hint = f', e.g. "{value:04o}"'
        elif name in ("notify", "notify_now", "notify_before") and callable(value):
            hint = ": put it in a list"
        return f"{self.word} {name} must be {self._says[name]}{hint}; got {type(value).__name__} {display(value)}"


def _has_init_vars(kind: type[Any]) -> bool:
    return any(str(hint).startswith(("InitVar", "dataclasses.InitVar")) for hint in _annotations(kind))


def _annotations(kind: type[Any]) -> list[Any]:
    return [hint for each in kind.__mro__ for hint in vars(each).get("__annotations__", {}).values()]


_GUARD_HINT = (
    ', such as `lambda: node.cpu.count > 2` or ["test", "-e", "/etc/x"]'
    " (a string would need a shell, and a plain yes or no is an ordinary `if`)"
)
_KNOWN: dict[Any, _Known] = {}


def check_for(hint: Any) -> Check:
    """A function that says whether a value fits a type annotation, as deep as its elements."""
    origin = get_origin(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return lambda value: True
    if origin in (Union, types.UnionType):
        checks = [check_for(each) for each in get_args(hint)]
        return lambda value: any(check(value) for check in checks)
    if origin is Literal:
        allowed = get_args(hint)
        return lambda value: value in allowed and type(value) is not bool
    if origin is abc.Callable:
        return callable
    if origin is abc.Sequence:
        (element,) = get_args(hint)
        each = check_for(element)
        return lambda value: isinstance(value, list | tuple) and all(map(each, value))
    if origin is abc.Mapping:
        return lambda value: isinstance(value, abc.Mapping)
    return _plain_check(origin or hint)


def _plain_check(kind: Any) -> Check:
    if kind is int:
        return lambda value: type(value) is int
    if kind is float:
        return lambda value: type(value) in (int, float)
    if kind is bool:
        return lambda value: value is True or value is False
    return lambda value: isinstance(value, kind)


def words_for(hint: Any) -> str:
    """A type annotation in words for a recipe author."""
    origin = get_origin(hint)
    if hint is type(None):
        return "None"
    if origin in (Union, types.UnionType):
        return " or ".join(words_for(each) for each in get_args(hint))
    if origin is Literal:
        return " or ".join(repr(each) for each in get_args(hint))
    if origin is abc.Callable:
        return "a function"
    if origin is abc.Sequence:
        return f"a list of {words_for(get_args(hint)[0])}"
    if origin is abc.Mapping:
        return "a mapping"
    return str(getattr(origin or hint, "__name__", hint))
