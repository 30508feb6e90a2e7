"""How many stacks, layers, instances and apps an installation lets there be (01, S-2): any number, unless it says."""

from __future__ import annotations

from typing import Final, Literal

from toque_server.domain.invalid import Invalid
from toque_server.settings import Limits

Kind = Literal["stacks", "layers", "instances", "apps"]

_SETTING: Final = {
    "stacks": "stacks",
    "layers": "layers_per_stack",
    "instances": "instances_per_stack",
    "apps": "apps_per_stack",
}


def of(limits: Limits, kind: Kind) -> int | None:
    """The limit of a kind; None for none."""
    limit: int | None = getattr(limits, _SETTING[kind])
    return limit


def check(limits: Limits, kind: Kind, *, there: int, adding: int = 1) -> None:
    """Raise Invalid where `adding` more would be over the limit. What is there already may be over it."""
    limit = of(limits, kind)
    if limit is None or not adding or there + adding <= limit:
        return
    where = "this installation" if kind == "stacks" else "this stack"
    raise Invalid(
        f"{where} has {there} {kind}, and {adding} more would be over the limit of {limit}: please delete some, or ask "
        f"whoever runs the server to raise {_SETTING[kind]} in the table [limits] of its settings"
    )
