"""One line per instance and minute: the sixteen figures of chapter 08, section 7."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, select

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


def count(conn: Connection, instance_ids: Sequence[str], first: int, end: int) -> int:
    """How many samples these instances have from minute `first` on and before `end`."""
    chosen = (_chosen(ids, first, end) for ids in _batches(instance_ids))
    return sum(conn.execute(select(func.count()).select_from(metrics).where(*each)).scalar_one() for each in chosen)


def between(
    conn: Connection, instance_ids: Sequence[str], first: int, end: int, places: Sequence[int]
) -> Iterator[tuple[int, list[float]]]:
    """The same samples one by one: the minute, and the figures at these places of `NAMES`."""
    decode = msgspec.json.Decoder(list[float]).decode
    for ids in _batches(instance_ids):
        query = select(metrics.c.minute, metrics.c.sample).where(*_chosen(ids, first, end)).order_by(metrics.c.minute)
        with conn.execute(query.execution_options(yield_per=BATCH)) as rows:
            for minute, sample in rows:
                values = decode(sample)
                yield minute, [values[place] for place in places]


def _chosen(instance_ids: Sequence[str], first: int, end: int) -> tuple[ColumnElement[bool], ...]:
    return metrics.c.instance_id.in_(instance_ids), metrics.c.minute >= first, metrics.c.minute < end


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def prune(conn: Connection, before_minute: int) -> int:
    """Delete what is older; returns how many lines went."""
    return conn.execute(delete(metrics).where(metrics.c.minute < before_minute)).rowcount
