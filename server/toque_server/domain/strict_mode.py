"""Strict mode of a stack (S18): what somebody with the level deploy alone may not do there.

A recipe is root, and an app's code is too. As OpsWorks had it, the level deploy can therefore become root on every
instance. In strict mode it deploys what others wrote down, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from toque_server.domain.layer import Recipes
from toque_server.domain.runlist import full_name

_OF_APP: Final[Mapping[str, str]] = {
    "app_source": "changing an app's source",
    "ssl_configuration": "changing an app's keys",
    "environment": "changing an app's variables",
    "data_sources": "changing an app's data sources",
    "attributes": "changing an app's attributes",
    "type": "changing an app's type",
}
"""What decides which code an app runs and which secrets it gets."""


def of_app(sent: Collection[str]) -> str | None:
    """What the first of the members that UpdateApp sent would do, where the level deploy may not; else None.

    >>> of_app({"name", "environment"})
    "changing an app's variables"
    """
    return next((what for member, what in _OF_APP.items() if member in sent), None)


def of_deployment(*, custom_json: bool, recipes: Sequence[str], assigned: Iterable[Sequence[Recipes]]) -> str | None:
    """What a deployment would do that the level deploy may not. `assigned`: the recipes of each target's layers."""
    if custom_json:
        return "passing custom JSON"
    if not recipes:
        return None
    wanted = dict.fromkeys(map(full_name, recipes))
    for layers in assigned:
        known = {full_name(one) for each in layers for several in each.by_event().values() for one in several}
        if (other := next((recipe for recipe in wanted if recipe not in known), None)) is not None:
            return f"running {other}, which is not assigned to an event of every target's layers,"
    return None
