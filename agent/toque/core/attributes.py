"""Maps that a recipe reads: by key, by attribute, read-only where the platform's word is final; and how they merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, NoReturn

from toque.core.errors import NotFound


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


def merged(levels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The precedence chain, weakest first: maps merge, everything else (lists and null too) replaces."""
    result: dict[str, Any] = {}
    for level in levels:
        _merge(result, level)
    return result


def _merge(into: dict[str, Any], level: Mapping[str, Any]) -> None:
    for key, value in level.items():
        if isinstance(value, Mapping):
            under = into.get(key)
            into[key] = under if isinstance(under, dict) else {}
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)
