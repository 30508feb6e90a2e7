from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toque.daemon.journal import KEPT_COMMANDS, Entry, Journal, Record, entry_of, line_of, remembered


def entries(count: int) -> list[Entry]:
    steps: list[Entry] = []
    for number in range(1, count + 1):
        steps += [
            Entry("received", f"c-{number}", number, "deploy", at=1.0),
            Entry("started", f"c-{number}", number, at=2.0, attempt=1),
            Entry("finished", f"c-{number}", number, exit_code=number % 3, reason="x" * (number % 5)),
            Entry("reported", f"c-{number}", number),
        ]
    return steps


def write(path: Path, steps: list[Entry]) -> None:
    path.write_bytes(b"".join(line_of(each) for each in steps))


def knowledge(path: Path) -> tuple[dict[str, Record], int]:
    journal = Journal(path)
    journal.close()
    return journal.records, journal.highest


def test_R4_what_was_appended_is_known_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for each in entries(3):
        journal.append(each)
    journal.close()

    assert knowledge(tmp_path / "journal") == (journal.records, 3)
    assert remembered(tmp_path / "journal") == list(journal.records.values())


def test_R4_a_tail_cut_at_any_byte_loses_only_the_line_it_was_cut_in(tmp_path: Path) -> None:
    path, steps = tmp_path / "journal", entries(3)
    whole = b"".join(line_of(each) for each in steps)
    start = len(whole) - sum(len(line_of(each)) for each in steps[-3:])

    for length in range(start, len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = whole[:length].count(b"\n")

        found = knowledge(path)

        write(tmp_path / "expected", steps[:kept])
        assert found == knowledge(tmp_path / "expected")
        assert path.read_bytes() == b"".join(line_of(each) for each in steps[:kept])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.data())
def test_R4_a_journal_cut_anywhere_goes_on(count: int, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, steps = Path(folder, "journal"), entries(count)
        whole = b"".join(line_of(each) for each in steps)
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

        journal = Journal(path)
        journal.append(Entry("received", "c-new", 99, "setup"))
        journal.close()

        assert knowledge(path) == (journal.records, 99)
        assert knowledge(path)[0]["c-new"].type == "setup"


@given(st.binary(max_size=60))
def test_noise_is_no_entry(noise: bytes) -> None:
    assert entry_of(noise) is None


def test_a_damaged_line_inside_is_counted_and_hides_nothing_after_it(tmp_path: Path) -> None:
    path, lines = tmp_path / "journal", [line_of(each) for each in entries(2)]
    lines[1] = lines[1].replace(b"started", b"sturted")
    path.write_bytes(b"".join(lines))

    journal = Journal(path)

    assert journal.damaged == 1
    assert journal.highest == 2
    assert journal.records["c-2"].step == "reported"


def test_R5_compaction_keeps_what_is_open_and_never_forgets_the_highest_number(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    steps = [Entry("received", "open", 1, "setup", at=1.0), Entry("started", "open", 1, at=2.0, attempt=2)]
    steps += [Entry("received", "c-high", 1_000_000, "deploy"), Entry("refused", "c-refused", 5, reason="expired")]
    steps += entries(KEPT_COMMANDS + 50)
    write(path, steps)
    journal = Journal(path)
    before = dict(journal.records)

    journal.compact()
    journal.close()

    records, highest = knowledge(path)
    assert highest == 1_000_000
    assert len(records) == KEPT_COMMANDS + 2
    assert records["open"] == before["open"]
    assert all(before[name] == record for name, record in records.items())


def test_it_compacts_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    write(path, entries(2 * KEPT_COMMANDS))
    journal = Journal(path)

    journal.append(Entry("received", "c-last", 5000, "setup"))

    assert len(path.read_bytes().splitlines()) < 4.1 * KEPT_COMMANDS
    assert journal.highest == 5000


def test_R12_on_a_full_disk_the_reserve_lets_the_journal_close_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    real_write = os.write

    def write_when_there_is_room(descriptor: int, data: bytes) -> int:
        if full:
            real_write(descriptor, bytes(data)[:3])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data)

    def spend_reserve() -> None:
        nonlocal full
        full = False

    journal = Journal(tmp_path / "journal", on_full=spend_reserve)
    monkeypatch.setattr(os, "write", write_when_there_is_room)
    journal.append(Entry("finished", "c-1", 1))
    full, journal._on_full = True, lambda: None
    with pytest.raises(OSError, match="No space"):
        journal.append(Entry("reported", "c-1", 1))
    full = False

    assert knowledge(tmp_path / "journal")[0]["c-1"].step == "finished"
