"""What a run still owes: notifications not yet delivered and changes not yet reacted to, on disk until they are.

A run that dies between a changed file and the restart of its service leaves both lines here. The next run reads them,
so `restart_on=[conf]` restarts although the file is right by now, and a delayed notification is delivered at its end.
Lines are appended as things happen; a run that ends well empties the file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Debt:
    """A notification of an earlier run: enough to make its resource again."""

    word: str
    name: str
    action: str
    properties: dict[str, Any]

    @property
    def key(self) -> str:
        return f"{self.word}[{self.name}].{self.action}"


class Ledger:
    """The file, and what it said when the run began. Without a path nothing outlives the run."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: int | None = None
        self.debts: dict[str, Debt] = {}
        self._changed: dict[str, int] = {}
        self._delivered: dict[str, int] = {}
        for number, line in enumerate(self._lines()):
            self._read(number, line)

    def changed(self, key: str) -> None:
        self._write({"changed": key})

    def owes(self, debt: Debt) -> None:
        if debt.key not in self.debts:
            self.debts[debt.key] = debt
            self._write({"owes": [debt.word, debt.name, debt.action, debt.properties]})

    def delivered(self, key: str) -> None:
        self.debts.pop(key, None)
        self._delivered[key] = len(self._changed) + len(self._delivered) + (1 << 40)
        self._write({"delivered": key})

    def carries(self, cause: str, reaction: str) -> bool:
        """Whether an unfinished earlier run changed `cause` and `reaction` has not followed."""
        at = self._changed.get(cause)
        return at is not None and self._delivered.get(reaction, -1) < at

    def clear(self) -> None:
        """The run ended well: nothing is owed any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.debts.clear()
        self._changed.clear()

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines of the file. A torn one is what a crash leaves; it says nothing."""
        if self._path is None or not self._path.exists():
            return []
        return [line for text in self._path.read_text(encoding="utf-8").split("\n") if (line := _whole(text))]

    def _read(self, number: int, line: dict[str, Any]) -> None:
        match line:
            case {"changed": key}:
                self._changed[key] = number
            case {"owes": [word, name, action, properties]}:
                debt = Debt(word, name, action, properties)
                self.debts[debt.key] = debt
            case {"delivered": key}:
                self._delivered[key] = number
                self.debts.pop(key, None)

    def _write(self, line: dict[str, Any]) -> None:
        if self._path is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(self._file, b"\n" + json.dumps(line).encode() + b"\n")


def _whole(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text) if text else None
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
