"""Where each setting of a node comes from: what every level of the chain says of it, and which of them wins (D14).

For whoever asks from outside of a run: the levels are given weakest first, the cookbooks' defaults are read from their
schemas, and the values are those that the code of a node would make of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from toque.cookbook.settings_schema import Schema
from toque.core.attributes import APPEND, DELETE, appends, deletes, merged, resolved
from toque.core.errors import BadData

DEFAULT: Final = -1
"""The number of the level below all others: the default of the cookbook."""

KeyPath = tuple[str, ...]

Effect = Literal["wins", "overridden", "begins", "appends", "deletes", "replaces_map"]
"""What became of what a level says of a key.

`wins`: it is the value. `overridden`: a stronger level says otherwise; maps merge, so that is judged key by key, and
lists replace one another whole. `begins`, `appends`: the list is of several levels, by `$append`. `deletes`: the weaker
ones do not count (`$delete`). `replaces_map`: there is no map any more in which the key could be.
"""


class Unmergeable(ValueError):
    """Levels that no node could merge: a marker that stands where it cannot."""


@dataclass(frozen=True)
class Said:
    """What one level, by its number, says of a key."""

    level: int
    value: Any
    effect: Effect


@dataclass(frozen=True)
class Explained:
    """One key. `is_set` is False where all that was said of it was taken away again."""

    path: KeyPath
    value: Any
    is_set: bool
    said: tuple[Said, ...]
    secret: bool

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def winner(self) -> int | None:
        """The strongest level that has its say in the value."""
        return next((each.level for each in reversed(self.said) if each.effect in ("wins", "appends")), None)


class Chain:
    """The levels of one node. Raises Unmergeable.

    chain = Chain([{"web": {"port": 80}}, {"web": {"port": 81}}], {"web": schema})
    chain.explain(("web", "port")).winner       # 1
    """

    def __init__(self, levels: Sequence[Mapping[str, Any]], schemas: Mapping[str, Schema] = {}) -> None:
        self._levels, self._schemas = levels, schemas
        self._defaults = {name: schema.defaults() for name, schema in schemas.items()}
        try:
            given = merged(levels)
        except BadData as error:
            raise Unmergeable(str(error)) from error
        self._final: dict[str, Any] = resolved(given)
        for name, schema in schemas.items():
            own = given.get(name, {})
            settled = schema.settled(own) if isinstance(own, Mapping) else None
            if settled is None:  # a run would end there; what was said is told all the same
                settled = merged([{name: self._defaults[name]}, {name: resolved(own)}])[name]
            self._final[name] = settled

    def paths(self, key: str | None = None) -> list[KeyPath]:
        """Every key of which something is said, in order; with `key` that one and those below it."""
        found: dict[KeyPath, None] = {}
        for level in (self._defaults, *self._levels):
            found.update(dict.fromkeys(_leaves(level, ())))
        wanted = (each for each in found if key is None or _is_below(".".join(each), key))
        # Where it is a map in the end, its own keys tell about it.
        return sorted(each for each in wanted if not _is_full_map(_at(self._final, each)))

    def explain(self, path: KeyPath) -> Explained:
        """What is said of one key."""
        told: list[tuple[int, Any, Effect]] = []
        for number, level in [(DEFAULT, self._defaults), *enumerate(self._levels)]:
            said = _said(level, path)
            if said is not None:
                told.append((number, *said))
        value = _at(self._final, path)
        schema = self._schemas.get(path[0])
        return Explained(
            path=path,
            value=None if value is _NOTHING else value,
            is_set=value is not _NOTHING,
            said=tuple(_judged(told)),
            secret=(schema is not None and schema.is_secret(path[1:])) or _is_password(path),
        )


_NOTHING: Final = object()


def _said(level: Any, path: KeyPath) -> tuple[Any, Effect] | None:
    """What a level says of a path: `wins` for a value, as nobody else is looked at yet."""
    here, taken_away = level, False
    for depth, key in enumerate(path):
        if not isinstance(here, Mapping) or appends(here):
            return here, "replaces_map"
        taken_away = taken_away or (depth > 0 and deletes(here))
        if key not in here:
            return (None, "deletes") if taken_away else None
        here = here[key]
    if appends(here):
        return here[APPEND], "appends"
    if deletes(here) and len(here) == 1:
        return None, "deletes"
    if isinstance(here, Mapping) and here:
        return None  # its keys tell
    return here, "wins"


def _judged(told: Sequence[tuple[int, Any, Effect]]) -> Iterator[Said]:
    """Who counts beside whom, weakest first."""
    base = max((n for n, (_, _, effect) in enumerate(told) if effect != "appends"), default=-1)
    if base >= 0 and told[base][2] == "deletes" and told[0][0] == DEFAULT and told[0][2] == "wins":
        # What the levels said is gone, and the cookbook's default holds again.
        base_of_value = 0
    else:
        base_of_value = base
    appended = base < len(told) - 1
    for n, (level, value, effect) in enumerate(told):
        if n == base_of_value and effect == "wins":
            yield Said(level, value, "begins" if appended else "wins")
        elif n < base:
            yield Said(level, value, "overridden")
        else:
            yield Said(level, value, effect)


def _leaves(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """The keys of a level that are no maps with keys of their own."""
    if isinstance(value, Mapping) and not appends(value) and (value or not path):
        inner = {key: each for key, each in value.items() if key != DELETE or each is not True}
        if inner or not path:
            for key, each in inner.items():
                yield from _leaves(each, (*path, str(key)))
            return
    yield path


def _at(value: Any, path: KeyPath) -> Any:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return _NOTHING
        value = value[key]
    return value


def _is_full_map(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _is_below(found: str, key: str) -> bool:
    return found == key or found.startswith(f"{key}.")


def _is_password(path: KeyPath) -> bool:
    """Of custom JSON itself only the password of a database is a secret: `deploy.<app>.database.password`."""
    return len(path) == 4 and path[0] == "deploy" and path[2:] == ("database", "password")
