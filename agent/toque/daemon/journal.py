"""The agent's memory of commands: append-only, each line with its check sum, synced before anybody is told.

What stands here was received; what does not was not. A line cut short by a power loss was never acknowledged, so it is
cut off. A command id in the journal, or a dispatch number not above its highest, never starts again (R4, R5).
"""

from __future__ import annotations

import errno
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from toque.protocol.durable import sync_directory, write_durably
from toque.protocol.messages import Causes, ResourceCounts

KEPT_COMMANDS: Final = 1000
_COMPACT_LINES: Final = 6 * KEPT_COMMANDS

Step = Literal["received", "refused", "started", "finished", "reported"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: what happened to a command. `highest` lines only carry `dispatch` over a compaction."""

    step: Literal["received", "refused", "started", "finished", "reported", "highest"]
    command_id: str = ""
    dispatch: int = 0
    type: str = ""
    at: float = 0.0
    attempt: int = 0
    exit_code: int = 0
    reason: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    log_size: int = 0
    resources: ResourceCounts = ResourceCounts()
    revision: str = ""
    releases: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    causes: Causes = Causes()


class Record(msgspec.Struct, frozen=True):
    """What the journal knows of one command: its latest step, and what the steps before said."""

    command_id: str
    dispatch: int
    type: str
    step: Step
    received_at: float
    attempt: int = 0
    started_at: float = 0.0
    end: Entry | None = None
    reason: str = ""


def line_of(entry: Entry) -> bytes:
    """An entry as it stands in the file: check sum, blank, JSON, newline."""
    text = msgspec.json.encode(entry)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def entry_of(line: bytes) -> Entry | None:
    """The entry of a whole line; None when the line is damaged."""
    check, _, text = line.partition(b" ")
    if len(check) != 8 or not line.endswith(b"\n"):
        return None
    text = text[:-1]
    if check != b"%08x" % zlib.crc32(text):
        return None
    try:
        return msgspec.json.decode(text, type=Entry)
    except msgspec.DecodeError:
        return None


def remembered(path: Path) -> list[Record]:
    """The commands in the journal at `path`, oldest first, for a reader beside the agent: nothing is changed."""
    journal = Journal.__new__(Journal)
    journal.records, journal.highest, journal.damaged, journal._lines = {}, 0, 0, 0
    try:
        journal._read(path.read_bytes())
    except FileNotFoundError:
        pass
    return list(journal.records.values())


class Journal:
    """Open the journal at `path`, cut a torn tail, and know every command in it.

    `on_full` is called once when the disk is full, before the line is tried again: it may make room (R12).
    """

    def __init__(self, path: Path, *, on_full: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self.records: dict[str, Record] = {}
        self.highest = 0
        self.damaged = 0
        self._on_full = on_full
        self._guard = threading.RLock()
        self._lines = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        sync_directory(path.parent)
        data = path.read_bytes()
        whole = self._read(data)
        if whole < len(data):
            os.ftruncate(self._file, whole)
            os.fsync(self._file)

    def append(self, entry: Entry) -> Record | None:
        """Write one entry; it is durable when this returns. Raises OSError on a disk that stays full."""
        with self._guard:
            try:
                self._write(line_of(entry))
            except OSError as wrong:
                if wrong.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                self._on_full()
                self._write(line_of(entry))
            self._learn(entry)
            self._lines += 1
            if self._lines > _COMPACT_LINES and self._lines > 3 * len(self._kept()):
                self.compact()
            return self.records.get(entry.command_id)

    def get(self, command_id: str) -> Record | None:
        with self._guard:
            return self.records.get(command_id)

    def open_records(self) -> list[Record]:
        """Commands whose result is not confirmed yet, oldest first."""
        with self._guard:
            waiting = [each for each in self.records.values() if each.step in {"received", "started", "finished"}]
        return sorted(waiting, key=lambda each: each.dispatch)

    def all_records(self) -> list[Record]:
        """Every command that is remembered, oldest first."""
        with self._guard:
            return list(self.records.values())

    def compact(self) -> None:
        """Keep the newest commands and all that are not ended; never forget the highest number."""
        with self._guard:
            kept = self._kept()
            lines = [line_of(Entry("highest", dispatch=self.highest))]
            lines += [line_of(entry) for record in kept for entry in _entries_of(record)]
            write_durably(self.path, b"".join(lines))
            os.close(self._file)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            self.records = {record.command_id: record for record in kept}
            self._lines = len(lines)

    def close(self) -> None:
        os.close(self._file)

    def _kept(self) -> list[Record]:
        everything = list(self.records.values())
        newest = everything[-KEPT_COMMANDS:]
        return [each for each in everything[:-KEPT_COMMANDS] if each.step not in {"reported", "refused"}] + newest

    def _write(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def _read(self, data: bytes) -> int:
        """Learn every line; answers how many bytes are whole lines."""
        whole = 0
        for line in data.splitlines(keepends=True):
            entry = entry_of(line)
            if entry is None:
                if whole + len(line) == len(data):
                    break
                self.damaged += 1
            else:
                self._learn(entry)
                self._lines += 1
            whole += len(line)
        return whole

    def _learn(self, entry: Entry) -> None:
        self.highest = max(self.highest, entry.dispatch)
        if entry.step == "highest":
            return
        known = self.records.get(entry.command_id)
        if known is None:
            self.records[entry.command_id] = Record(
                entry.command_id, entry.dispatch, entry.type, entry.step, entry.at, entry.attempt, reason=entry.reason
            )
            return
        changes: dict[str, object] = {"step": entry.step}
        if entry.step == "started":
            changes |= {"attempt": entry.attempt, "started_at": entry.at}
        if entry.step == "finished":
            changes |= {"end": entry}
        self.records[entry.command_id] = msgspec.structs.replace(known, **changes)


def _entries_of(record: Record) -> list[Entry]:
    """The shortest history that leads to this record."""
    command = {"command_id": record.command_id, "dispatch": record.dispatch}
    if record.step == "refused":
        return [Entry("refused", type=record.type, at=record.received_at, reason=record.reason, **command)]  # type: ignore[arg-type]
    entries = [Entry("received", type=record.type, at=record.received_at, **command)]  # type: ignore[arg-type]
    if record.started_at:
        entries.append(Entry("started", at=record.started_at, attempt=record.attempt, **command))  # type: ignore[arg-type]
    if record.end is not None:
        entries.append(record.end)
    if record.step == "reported":
        entries.append(Entry("reported", **command))  # type: ignore[arg-type]
    return entries
