"""What Alembic runs: the migrations, on the connection that `store.schema` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from toque_server.store.tables import Instant, metadata


def _render(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    # A migration must not change when our types do: it says what the database sees.
    return "sa.BigInteger()" if kind == "type" and isinstance(value, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
