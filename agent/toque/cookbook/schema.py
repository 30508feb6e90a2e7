"""What a cookbook's settings are: their names, types and defaults, and what does not fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any

from toque.cookbook.settings import BadSetting, MissingSetting, gather


@dataclass(frozen=True)
class Key:
    """One setting. `type` is the annotation as written; `default` as written too, empty where it must be set."""

    name: str
    type: str
    default: str
    doc: str
    line: int
    keys: tuple[Key, ...] = ()
    """Of a nested dataclass: what it has."""


@dataclass(frozen=True)
class Schema:
    """What a settings.py says. `unread` names what is known only where it runs, and is not judged here."""

    cookbook: str
    doc: str
    keys: tuple[Key, ...]
    unread: tuple[str, ...]
    _kind: type[Any] = field(repr=False)
    _open: bool = False

    def judge(self, values: Mapping[str, Any], *, complete: bool = True) -> list[BadSetting]:
        """Everything that does not fit, in the order of the values. They are the attributes of the cookbook's name.

        `complete=False` judges one level of several: what must be set may then be set at another.
        """
        known = {f.name for f in fields(self._kind)}
        given = {key: value for key, value in values.items() if key in known or not self._open}
        _, problems = gather(self._kind, given, self.cookbook)
        return [each for each in problems if complete or not isinstance(each, MissingSetting)]

    def defaults(self) -> dict[str, Any]:
        """What holds where nothing is set, as data; what must be set, and what only running tells, is not in it."""
        known = (f for f in fields(self._kind) if f.init and not f.metadata.get("unread"))
        return {f.name: _as_data(f.default_factory()) for f in known if f.default_factory is not MISSING}

    def settled(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a recipe would read with these values, as data; None where they do not fit."""
        given, problems = gather(self._kind, values, self.cookbook)
        if self._open or any(not isinstance(each, MissingSetting) for each in problems):
            return None
        unread = {f.name for f in fields(self._kind) if f.metadata.get("unread") and f.name not in values}
        return self.defaults() | {key: _as_data(value) for key, value in given.items() if key not in unread}

    def is_secret(self, path: Sequence[str]) -> bool:
        """Whether the setting at a path of keys below the cookbook's name is a Secret, or is in one or holds one."""
        keys, last = self.keys, None
        for name in path:
            last = next((each for each in keys if each.name == name), None)
            if last is None:
                return False
            if "Secret" in last.type:
                return True
            keys = last.keys
        return last is not None and _holds_secret(last)


def _holds_secret(key: Key) -> bool:
    return "Secret" in key.type or any(map(_holds_secret, key.keys))


def _as_data(value: Any) -> Any:
    """A default as the data that would set it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _as_data(getattr(value, each.name)) for each in fields(value) if each.init}
    if isinstance(value, Mapping):
        return {str(key): _as_data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_data(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(_as_data, value), key=repr)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
