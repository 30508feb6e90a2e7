"""Whether a call that failed is made again, and after how long. Only decides."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from toque.client.errors import CallFailed, ServerFailed, ThrottlingException, Unreachable


@dataclass(frozen=True)
class Retries:
    """`attempts` is how often a call is made at most; between two it waits up to `base`, then twice that, … `limit` s.

    A call that only reads is made again after a broken connection, a failure of the server (HTTP 5xx) and when it was
    too much at once. One that changes something only when it surely did nothing: it was never sent, or it was
    refused as too much at once. So nothing is ever done twice.
    """

    attempts: int = 4
    base: float = 0.2
    limit: float = 5.0

    def delay(
        self, error: CallFailed, attempt: int, *, reads: bool, draw: Callable[[], float] = random.random
    ) -> float | None:
        """Seconds to wait before the next attempt; None when there is none. `attempt` counts from 1."""
        if attempt >= self.attempts or not _worth_it(error, reads=reads):
            return None
        wait: float = min(self.limit, self.base * 2 ** (attempt - 1)) * draw()
        if isinstance(error, ThrottlingException) and error.retry_after is not None:
            return max(wait, min(error.retry_after, self.limit))
        return wait


DEFAULT = Retries()
ONCE = Retries(attempts=1)
"""No second attempt."""


def _worth_it(error: CallFailed, *, reads: bool) -> bool:
    match error:
        case ThrottlingException():
            return True
        case Unreachable():
            return not error.lasting and (reads or not error.sent)
        case ServerFailed():
            return reads
    return False
