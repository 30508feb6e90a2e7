"""Which recipes a command runs on an instance, and in which order (chapter 02 L-8, chapter 04 E-2 and E-7).

First the system phase: the agent's own tasks, which are recipes of the built-in cookbook `toque`, then the built-in
recipes of the layer types, layer by layer. Then the custom phase: the users' recipes, layer by layer in the same order.
Setup is Setup and Deploy in one command, so it has both phases twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from toque.protocol.messages import Phase, RunStep
from toque.protocol.names import CLEANUP
from toque_server.domain.layer_types import BUILT_IN, Event

_EVENTS: Final[Mapping[str, tuple[Event, ...]]] = {
    "setup": (Event.SETUP, Event.DEPLOY),
    "configure": (Event.CONFIGURE,),
    "deploy": (Event.DEPLOY,),
    "undeploy": (Event.UNDEPLOY,),
    "shutdown": (Event.SHUTDOWN,),
}

_TASKS_OF_EVENT: Final[Mapping[Event, tuple[str, ...]]] = {
    Event.SETUP: ("toque::setup", "toque::users"),
    Event.CONFIGURE: ("toque::configure", "toque::users"),
    Event.DEPLOY: ("toque::deploy",),
    Event.UNDEPLOY: ("toque::undeploy",),
    Event.SHUTDOWN: ("toque::shutdown",),
}

_TASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "rollback": ("toque::rollback",),
    "start": ("toque::start",),
    "stop": ("toque::stop",),
    "restart": ("toque::restart",),
    "install_dependencies": ("toque::install_dependencies",),
    "update_dependencies": ("toque::update_dependencies",),
    "sync_remote_users": ("toque::users",),
    "update_custom_cookbooks": (),
    "update_agent": (),
    "deregister": ("toque::deregister",),
    "execute_recipes": (),
}


class LayerRecipes(msgspec.Struct, frozen=True):
    """One layer of the instance, in the order of its `LayerIds`: its type, and its `CustomRecipes` by event name."""

    type: str
    custom: Mapping[str, Sequence[str]] = {}


def steps(
    command_type: str, layers: Sequence[LayerRecipes], args: Mapping[str, Any] | None = None
) -> tuple[RunStep, ...]:
    """The steps of a command's run, in order; a recipe that stands in it twice runs the first time only.

    `args` are the command's own; of them `recipes` and `plan` (`dry_run` or `clone`) count, for `execute_recipes`. A
    plan has the named recipes alone, without the agent's own tasks. Raises KeyError for a type that is no command's.

        steps("deploy", [LayerRecipes("python-app", {"Deploy": ["shop::warm_up"]})])
        # system: toque::deploy, python-app::deploy; custom: shop::warm_up; system: toque::cleanup
    """
    planned: list[tuple[Phase, Iterable[str]]] = []
    args = args or {}
    if command_type == "execute_recipes" and (how := args.get("plan")):
        return _once([("plan_on_clone" if how == "clone" else "plan", args.get("recipes", ()))])
    if command_type in _EVENTS:
        for event in _EVENTS[command_type]:
            built_in = [recipe for layer in layers for recipe in BUILT_IN[layer.type].get(event, ())]
            planned.append(("system", [*_TASKS_OF_EVENT[event], *built_in]))
            planned.append(("custom", [recipe for layer in layers for recipe in layer.custom.get(event.value, ())]))
    else:
        planned.append(("system", _TASKS[command_type]))
        if command_type == "execute_recipes":
            planned.append(("custom", args.get("recipes", ())))
    planned.append(("system", (CLEANUP,)))
    return _once(planned)


def _once(planned: Iterable[tuple[Phase, Iterable[str]]]) -> tuple[RunStep, ...]:
    seen: set[str] = set()
    kept: list[RunStep] = []
    for phase, recipes in planned:
        fresh = tuple(dict.fromkeys(r for r in map(full_name, recipes) if r not in seen))
        seen.update(fresh)
        if fresh:
            kept.append(RunStep(phase, fresh))
    return tuple(kept)


def full_name(recipe: str) -> str:
    """`nginx` and `nginx::default` are one recipe (D13), so it runs once under either name."""
    return recipe if "::" in recipe else f"{recipe}::default"
