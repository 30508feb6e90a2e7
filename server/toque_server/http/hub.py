"""What a poll is answered from: who has something to fetch, how often to call, and the contacts still to be written.

One thread per server process keeps it fresh: it looks into the database when a commit in this process woke it, and
every half second for commits of others; it writes contacts and metrics in batches. A failing database does not stop
it: the batch is kept for the next turn.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from toque.protocol.messages import PollAnswer
from toque_server.domain import rhythm
from toque_server.http.keyring import Keyring
from toque_server.settings import Settings
from toque_server.store import contacts, metrics, waiting
from toque_server.store.database import Database, DiskFull

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks into the database when nothing woke the hub."""

_LEAST_GAP = 0.02
_SHARE = 9.0
"""The hub rests at least this many times as long as its last look took, so that a busy fleet is not kept from work."""

_VARIANTS = 64
_METRICS_HELD = 200_000
_COUNT_EVERY = 10.0


class Hub:
    """`empty_answer()` and `wake()` may be called from any thread. `after_look` is called in the hub's own thread."""

    def __init__(self, database: Database, settings: Settings) -> None:
        times = settings.contact
        per_second = times.per_second or (1000 if database.is_sqlite else 2000)
        self.rhythm = rhythm.Rhythm(
            per_second=float(per_second),
            shortest=times.shortest.total_seconds(),
            longest=times.longest.total_seconds(),
            busy=times.busy.total_seconds(),
        )
        self.keyring = Keyring(database)
        self.nodes = 0
        self.waiting = waiting.NOTHING
        self._next: dict[str, int] = {}
        self._looks = 0
        self.after_look: Callable[[], None] = lambda: None
        self._database = database
        self._flush_every = min(times.flush_every.total_seconds(), 2.0)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._metrics: list[metrics.Minute] = []
        self._metrics_lock = threading.Lock()
        self._offset = 0.0
        self._flushed_at = 0.0
        self._counted_at = 0.0
        self._random = random.Random()
        self._idle, self._busy = self._answers(busy=False), self._answers(busy=True)

    # -- for requests --------------------------------------------------------------------------------------------

    def interval(self, instance_id: str, stack_id: str) -> float:
        """Seconds until this node's next poll, with jitter."""
        return rhythm.jittered(
            rhythm.interval(self.rhythm, self.nodes, busy=self.is_busy(instance_id, stack_id)), self._random.random()
        )

    def is_busy(self, instance_id: str, stack_id: str) -> bool:
        now = self.waiting
        return instance_id in now.running or self.has_something(instance_id) or stack_id in now.busy_stacks

    def has_something(self, instance_id: str) -> bool:
        """Whether this node's poll should look into the database for a command, or for one to end."""
        now = self.waiting
        return instance_id in now.to_fetch or instance_id in self._next or instance_id in now.to_abort

    def has_next(self, instance_id: str) -> None:
        """A commit of this process has left this node a command to fetch: its next poll finds it without a look."""
        self._next[instance_id] = self._looks

    def empty_answer(self, instance_id: str, stack_id: str) -> bytes:
        """The body of an answer that delivers nothing: made beforehand."""
        answers = self._busy if self.is_busy(instance_id, stack_id) else self._idle
        return answers[int(self._random.random() * _VARIANTS)]

    def backoff_cap(self) -> float:
        return rhythm.backoff_cap(self.rhythm, self.nodes)

    def retry_after(self) -> int:
        return rhythm.retry_after(self.rhythm, self.nodes, self._random.random())

    def keep_metrics(self, minutes: list[metrics.Minute]) -> None:
        """For the next flush. Past what may be held in memory the newest are dropped: figures, not orders."""
        with self._metrics_lock:
            self._metrics.extend(minutes[: max(0, _METRICS_HELD - len(self._metrics))])

    def to_time(self, clock: float) -> datetime:
        """Database time of a moment on this machine's clock."""
        return datetime.fromtimestamp(clock + self._offset, UTC)

    def last_contacts(self) -> dict[str, datetime]:
        """Contacts that are in memory and not yet written: healing must not overlook them (R18)."""
        return {instance_id: self.to_time(at) for instance_id, at in self.keyring.unwritten()}

    def wake(self) -> None:
        """There was a commit: look again soon."""
        self._wake.set()

    # -- the thread ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look once, so that the first request finds everything in place, then go on in a thread."""
        self.look()
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and write what is still to be written."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(LOOK_EVERY)
            self._wake.clear()
            began = time.monotonic()
            try:
                self.look()
                self.after_look()
                if time.monotonic() - self._flushed_at >= self._flush_every - LOOK_EVERY:
                    self.flush()
            except (SQLAlchemyError, DiskFull) as error:
                log.warning("the hub cannot reach the database, it tries again: %s", error)
            self._stopping.wait(min(LOOK_EVERY, max(_LEAST_GAP, _SHARE * (time.monotonic() - began))))

    def look(self) -> None:
        """Read who has something to fetch, and whether keys changed."""
        started = time.time()
        # What was noted before this look began is in what it reads; what is noted meanwhile may not be.
        self._looks += 1
        with self._database.read() as conn:
            self.waiting = waiting.look(conn)
            for instance_id, noted in list(self._next.items()):
                if noted < self._looks:
                    self._next.pop(instance_id, None)
            changed = self.keyring.refresh(conn)
            if changed or time.monotonic() - self._counted_at > _COUNT_EVERY:
                now = self._database.now(conn)
                self._offset = now.timestamp() - (started + time.time()) / 2
                # All processes must name one rhythm, so the count is the database's and not this process's.
                self._count(contacts.count(conn, now - timedelta(seconds=3 * self.rhythm.longest)))

    def _count(self, heard: int) -> None:
        self._counted_at = time.monotonic()
        if heard != self.nodes:
            self.nodes = heard
            self._idle, self._busy = self._answers(busy=False), self._answers(busy=True)

    def flush(self) -> None:
        """Write contacts and metrics. Whatever happens, nothing is lost but what this process would lose in a crash."""
        batch = self.keyring.drain(self.to_time)
        with self._metrics_lock:
            minutes, self._metrics = self._metrics, []
        self._flushed_at = time.monotonic()
        if not batch and not minutes:
            return
        try:
            with self._database.write() as conn:
                contacts.flush(conn, batch)
                metrics.add(conn, minutes)
        except (SQLAlchemyError, DiskFull):
            self.keyring.give_back(batch)
            self.keep_metrics(minutes)
            raise

    def _answers(self, *, busy: bool) -> list[bytes]:
        seconds = rhythm.interval(self.rhythm, self.nodes, busy=busy)
        cap = self.backoff_cap()
        return [
            msgspec.json.encode(PollAnswer(round(rhythm.jittered(seconds, n / (_VARIANTS - 1)), 3), cap))
            for n in range(_VARIANTS)
        ]
