"""Whether there is room for one more stack, layer, instance or app under the limits of the installation (01, S-2)."""

from __future__ import annotations

from toque_server.domain import soft_limits
from toque_server.domain.soft_limits import Kind
from toque_server.operations.context import Context
from toque_server.store import overview


def check_room(ctx: Context, kind: Kind, stack_id: str | None = None, *, adding: int = 1) -> None:
    """Raise Invalid, which is answered as a ValidationException, where the limit of `kind` is reached.

    Two calls at the same moment may pass it by one: the limits keep scripts from running away, and are no licence.
    """
    limits = ctx.settings.limits
    if soft_limits.of(limits, kind) is not None:
        there = overview.number_of(ctx.conn, kind, stack_id)
        soft_limits.check(limits, kind, there=there, adding=adding)
