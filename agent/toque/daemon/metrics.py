"""The sixteen metrics of chapter 08, section 7, as one sample a minute."""

from __future__ import annotations

from collections import deque
from typing import Final

import psutil

from toque.protocol.messages import MetricSample

_KEPT_MINUTES: Final = 60
_MOST_PER_POLL: Final = 15


class Sampler:
    """Takes a sample when a new minute has begun, and keeps samples until a poll has brought them to the server."""

    def __init__(self) -> None:
        self._cpu = psutil.cpu_times()
        self._minute: int | None = None
        self._waiting: deque[MetricSample] = deque(maxlen=_KEPT_MINUTES)

    def look(self, now: float) -> None:
        """Sample once per minute; `now` is in seconds since the epoch. The first minute only starts the counters."""
        minute = int(now // 60)
        if minute == self._minute:
            return
        if self._minute is not None:
            self._waiting.append(self._sample(self._minute))
        self._minute = minute
        self._cpu = psutil.cpu_times()

    def waiting(self) -> tuple[MetricSample, ...]:
        """The oldest samples that were not delivered yet."""
        return tuple(self._waiting)[:_MOST_PER_POLL]

    def delivered(self, samples: tuple[MetricSample, ...]) -> None:
        for sample in samples:
            if self._waiting and self._waiting[0] == sample:
                self._waiting.popleft()

    def _sample(self, minute: int) -> MetricSample:
        now = psutil.cpu_times()
        spent = {name: max(0.0, getattr(now, name) - getattr(self._cpu, name)) for name in now._fields}
        # Guest time is part of user time, and must not count twice.
        whole = sum(value for name, value in spent.items() if not name.startswith("guest")) or 1.0
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        load_1, load_5, load_15 = psutil.getloadavg()
        return MetricSample(
            minute=minute,
            cpu_idle=100 * spent.get("idle", 0.0) / whole,
            cpu_nice=100 * spent.get("nice", 0.0) / whole,
            cpu_steal=100 * spent.get("steal", 0.0) / whole,
            cpu_system=100 * (spent.get("system", 0.0) + spent.get("irq", 0.0) + spent.get("softirq", 0.0)) / whole,
            cpu_user=100 * spent.get("user", 0.0) / whole,
            cpu_waitio=100 * spent.get("iowait", 0.0) / whole,
            memory_buffers=getattr(memory, "buffers", 0) / 1024,
            memory_cached=getattr(memory, "cached", 0) / 1024,
            memory_free=memory.free / 1024,
            memory_swap=swap.total / 1024,
            memory_total=memory.total / 1024,
            memory_used=(memory.total - memory.free) / 1024,
            load_1=load_1,
            load_5=load_5,
            load_15=load_15,
            procs=float(len(psutil.pids())),
        )
