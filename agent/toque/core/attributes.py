"""Maps that a recipe reads: by key, by attribute, read-only where the platform's word is final; and how they merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final, NoReturn

from toque.core.errors import BadData, NotFound


class Item(dict[str, Any]):
    """A map whose entries are attributes as well: `app["app_source"]["url"]`, `app.app_source.url`.

    It is an ordinary dict otherwise: changing it changes a copy. A name that a dict has itself (`items`, `keys`) is
    reached by `[...]` only. A missing name raises NotFound (a KeyError) with the nearest name there is.
    """

    def __missing__(self, name: str) -> NoReturn:
        raise NotFound("attribute", name, map(str, self))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self:
            return self[name]
        raise AttributeError(str(NotFound("attribute", name, map(str, self))))

    def get(self, path: str, default: Any = None) -> Any:
        """`get("a.b", default)`: the value at a path of keys; a key that contains the dots itself comes first."""
        if path in self:
            return self[path]
        here: Any = self
        for key in path.split("."):
            if not isinstance(here, Mapping) or key not in here:
                return default
            here = here[key]
        return here


class Attributes(Item):
    """An Item that refuses to be changed, at any depth. `copy.deepcopy` gives one that can be."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "attributes are read-only in a recipe: keep your own values in variables, or set them on the server"
        )

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        self._refuse()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def frozen(value: Any) -> Any:
    """The same data, read-only: maps as Attributes, lists as tuples."""
    if isinstance(value, Mapping):
        return Attributes({key: frozen(each) for key, each in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def items_of(value: Any) -> Any:
    """A deep copy of data with every map as an Item."""
    if isinstance(value, Mapping):
        return Item({key: items_of(each) for key, each in value.items()})
    return [items_of(each) for each in value] if isinstance(value, list | tuple) else value


APPEND, DELETE = "$append", "$delete"
"""Markers in attributes: `{"hosts": {"$append": ["c"]}}`, `{"hosts": {"$delete": true}}`."""


def Append(items: Iterable[Any]) -> dict[str, Any]:
    """A value of an attribute: these, after what weaker levels have in the list (a cookbook's default included)."""
    return {APPEND: list(items)}


Delete: Final = {DELETE: True}
"""A value of an attribute: as if no weaker level of the chain had set it. A cookbook's default holds again."""


def appends(value: Any) -> bool:
    return isinstance(value, Mapping) and APPEND in value


def deletes(value: Any) -> bool:
    """Whether what is weaker shall not count; beside the marker, a map may hold what shall."""
    return isinstance(value, Mapping) and value.get(DELETE) is True


def merged(levels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The precedence chain, weakest first: maps merge, everything else (lists and null too) replaces.

    Markers do what they say; one that found nothing weaker stays, for the defaults of a cookbook: see `resolved`.
    """
    result: dict[str, Any] = {}
    for level in levels:
        _merge(result, level, "")
    return result


def resolved(value: Any) -> Any:
    """The same data with the markers that are left carried out, as nothing is weaker."""
    if appends(value) and isinstance(value[APPEND], list | tuple):
        return deepcopy(list(value[APPEND]))
    if isinstance(value, Mapping):
        left = {key: each for key, each in value.items() if key != DELETE or each is not True}
        return {key: resolved(each) for key, each in left.items() if not (deletes(each) and len(each) == 1)}
    return [resolved(each) for each in value] if isinstance(value, list | tuple) else value


def _merge(into: dict[str, Any], level: Mapping[str, Any], where: str) -> None:
    for key, value in level.items():
        under, place = into.get(key), f"{where}{key}"
        if appends(value):
            into[key] = _appended(under, value, place)
        elif isinstance(value, Mapping):
            is_map = isinstance(under, dict) and not appends(under) and not deletes(value)
            into[key] = under if is_map else {}
            _merge(into[key], value, f"{place}.")
        else:
            into[key] = deepcopy(value)


def _appended(under: Any, value: Mapping[str, Any], where: str) -> Any:
    items = value[APPEND]
    if len(value) > 1 or not isinstance(items, list | tuple):
        raise BadData(f'attribute {where}: {APPEND} stands alone and takes a list, e.g. {{"{APPEND}": ["c"]}}')
    items = deepcopy(list(items))
    if under is None:
        return {APPEND: items}
    if appends(under):
        return {APPEND: [*under[APPEND], *items]}
    if deletes(under) and len(under) == 1:
        return items
    if isinstance(under, list | tuple):
        return [*under, *items]
    raise BadData(f"attribute {where}: {APPEND} goes after a list, and a weaker level has {type(under).__name__}")
