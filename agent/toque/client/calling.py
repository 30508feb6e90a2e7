"""What the methods of a client are made of: from typed arguments to a call, from an answer to a typed result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from toque.client.connection import Connection
from toque.client.errors import BadAnswer
from toque.client.structure import Structure
from toque.client.waiting import WAITERS, wait

OPSWORKS: Final = "OpsWorks_20130218"
TOQUE: Final = "Toque_20261122"

S = TypeVar("S", bound=Structure)


class Calls:
    """A connection, and how its calls are made."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def _ask(self, operation: str, target: str, members: Mapping[str, Any], kind: type[S], *, reads: bool) -> S:
        answer = self.connection.call(operation, target, _said(members), reads=reads)
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise BadAnswer(f"the answer to {operation} is of another shape ({error})") from error

    def _iterate(
        self, operation: str, target: str, members: Mapping[str, Any], kind: type[S], records: str
    ) -> Iterator[Any]:
        """The records of all pages; a page is asked for when the one before is used up."""
        token = None
        while True:
            answer = self._ask(operation, target, {**members, "NextToken": token}, kind, reads=True)
            yield from getattr(answer, records) or ()
            token = getattr(answer, "next_token", None)
            if token is None:
                return

    def _do(self, operation: str, target: str, members: Mapping[str, Any], *, reads: bool) -> None:
        self.connection.call(operation, target, _said(members), reads=reads)

    def _wait(
        self, name: str, target: str, members: Mapping[str, Any], delay: float | None, attempts: int | None
    ) -> None:
        waiter, said = WAITERS[name], _said(members)
        wait(
            waiter,
            lambda: self.connection.call(waiter.operation, target, said, reads=True),
            delay=delay,
            attempts=attempts,
            pause=self.connection.pause,
        )


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: msgspec.to_builtins(value) for name, value in members.items() if value is not None}
