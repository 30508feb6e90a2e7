"""One line per instance and minute: the sixteen figures of chapter 08, section 7."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, select

from toque.protocol.messages import MetricSample
from toque_server.store.tables import metrics
from toque_server.store.upsert import insert_into

NAMES = tuple(name for name in MetricSample.__struct_fields__ if name != "minute")
"""The figures in the order in which a sample lists them."""

BATCH = 1000


class Minute(msgspec.Struct, frozen=True):
    """One sample of one instance. `minute` counts minutes since the epoch."""

    instance_id: str
    stack_id: str
    sample: MetricSample


def add(conn: Connection, batch: Sequence[Minute]) -> None:
    """Store samples, in bounded statements; a minute that is there already stays as it is."""
    statement = insert_into(conn, metrics).on_conflict_do_nothing()
    for start in range(0, len(batch), BATCH):
        conn.execute(
            statement,
            [
                {
                    "instance_id": line.instance_id,
                    "minute": line.sample.minute,
                    "stack_id": line.stack_id,
                    "sample": msgspec.json.encode([getattr(line.sample, name) for name in NAMES]).decode(),
                }
                for line in batch[start : start + BATCH]
            ],
        )


def since(conn: Connection, instance_ids: Iterable[str], minute: int) -> dict[str, list[MetricSample]]:
    """Samples from `minute` on by instance, oldest first."""
    found: dict[str, list[MetricSample]] = {}
    rows = conn.execute(
        select(metrics.c.instance_id, metrics.c.minute, metrics.c.sample)
        .where(metrics.c.instance_id.in_(list(instance_ids)), metrics.c.minute >= minute)
        .order_by(metrics.c.minute)
    )
    for instance_id, at, sample in rows:
        values = dict(zip(NAMES, msgspec.json.decode(sample, type=list[float]), strict=True))
        found.setdefault(instance_id, []).append(MetricSample(minute=at, **values))
    return found


def prune(conn: Connection, before_minute: int) -> int:
    """Delete what is older; returns how many lines went."""
    return conn.execute(delete(metrics).where(metrics.c.minute < before_minute)).rowcount
