"""What each type of layer brings along: the built-in recipes of its events (chapter 02, ruling 18)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Event(StrEnum):
    """The five lifecycle events, by their names in `Recipes` on the wire."""

    SETUP = "Setup"
    CONFIGURE = "Configure"
    DEPLOY = "Deploy"
    UNDEPLOY = "Undeploy"
    SHUTDOWN = "Shutdown"


_NOTHING: Final[Mapping[Event, tuple[str, ...]]] = {}

BUILT_IN: Final[Mapping[str, Mapping[Event, tuple[str, ...]]]] = {
    "custom": _NOTHING,
    "lb": {
        Event.SETUP: ("haproxy::default",),
        Event.CONFIGURE: ("haproxy::configure",),
        Event.DEPLOY: ("haproxy::configure",),
        Event.SHUTDOWN: ("haproxy::stop",),
    },
    "python-app": {
        Event.SETUP: ("python-app::default",),
        Event.CONFIGURE: ("python-app::configure",),
        Event.DEPLOY: ("python-app::deploy",),
        Event.UNDEPLOY: ("python-app::undeploy",),
        Event.SHUTDOWN: ("python-app::stop",),
    },
    "redis": _NOTHING,
    "db-master": _NOTHING,
    "memcached": _NOTHING,
    "monitoring-master": _NOTHING,
    "java-app": _NOTHING,
    "nodejs-app": _NOTHING,
    "php-app": _NOTHING,
    "rails-app": _NOTHING,
    "web": _NOTHING,
    "aws-flow-ruby": _NOTHING,
    "ecs-cluster": _NOTHING,
}
"""Every layer type, and the recipes of its shipped cookbook. An event that is missing has none."""


def default_recipes(layer_type: str) -> dict[str, list[str]]:
    """`DefaultRecipes` of a layer of this type, all five events named, as DescribeLayers shows it."""
    built_in = BUILT_IN[layer_type]
    return {event.value: list(built_in.get(event, ())) for event in Event}
