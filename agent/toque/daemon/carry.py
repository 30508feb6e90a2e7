"""Carries out one command at a time: prepared, run by a shim, followed, reported; and picked up again after a crash."""

from __future__ import annotations

import base64
import errno
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from toque.daemon import leave, reboot
from toque.daemon.backoff import Rhythm
from toque.daemon.children import still_runs
from toque.daemon.client import Refused, Unreachable
from toque.daemon.fetch import BadFetch, Fetcher
from toque.daemon.intake import open_data
from toque.daemon.journal import Entry, Journal, Record
from toque.daemon.link import Link
from toque.daemon.machine import boot_id
from toque.daemon.marks import Ledger, Lock, Status, look, next_part, prepare_lock
from toque.daemon.problems import Problems
from toque.daemon.snapshot import build_snapshot
from toque.daemon.state import State
from toque.daemon.trust import NotBelieved, read_manifest
from toque.protocol.messages import (
    LOG_PATH,
    MAX_CHUNK,
    RESULT_PATH,
    Accepted,
    BundleRef,
    CommandEnvelope,
    LogRequest,
    ResultRequest,
)

BAD_DOWNLOAD: Final = 3
ABORTED: Final = 130
AGENT_ERROR: Final = 255
_ATTEMPTS: Final = 3
_REBOOT_WITHIN: Final = 120.0
"""Seconds after which a machine that was told to restart, and has not, is told again."""
_TICK: Final = 0.2
_LOG_EVERY: Final = 0.5
_UNAUTHORISED: Final = frozenset({401, 403})


class Stopped(Exception):
    """The agent ends; the run goes on, and the next agent carries on from the journal."""


class Carrier:
    """Brings commands from `received` to `reported`. `reported` is called with the status of each that is.

    `restarts` is called when the machine is to restart in the middle of a command, which goes on after the boot.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        link: Link,
        fetcher: Fetcher,
        problems: Problems,
        stop: threading.Event,
        reported: Callable[[Record, Status], None],
        restarts: Callable[[], None],
    ) -> None:
        self._state = state
        self._journal = journal
        self._link = link
        self._fetcher = fetcher
        self._problems = problems
        self._stop = stop
        self._reported = reported
        self._restarts = restarts
        self._aborted: set[str] = set()
        self._log_offset = 0
        self._log_due = 0.0
        self.running = ""

    def abort(self, command_id: str) -> None:
        """End the run of this command, or never start it. May be called from another thread."""
        self._aborted.add(command_id)
        run = self._state.run(command_id)
        if run.is_dir():
            (run / "abort").touch()

    def carry(self, command_id: str) -> None:
        """Bring one command to its end; raises Stopped when the agent ends before."""
        record = self._journal.get(command_id)
        self.running, self._log_offset, self._log_due = command_id, 0, 0.0
        try:
            if record is not None and record.step == "received":
                record = self._begin(record)
            while record is not None and record.step == "started":
                record = self._follow(record, None)
            if record is not None and record.step == "finished":
                self._report(record)
        finally:
            self.running = ""

    def fail(self, command_id: str, reason: str) -> None:
        """Give up a command whose carrying out broke: 255. A run under way is left to itself (R7)."""
        record = self._journal.get(command_id)
        if record is not None and record.step in {"received", "started"}:
            self._finish(record, Status(AGENT_ERROR, reason))

    # -- from received to started -------------------------------------------------------------------------------

    def _begin(self, record: Record) -> Record | None:
        """Prepare and start; also once more, when an attempt never began."""
        if record.command_id in self._aborted:
            return self._finish(record, Status(ABORTED, "aborted"))
        rhythm = Rhythm(random.Random())
        while True:
            envelope = self._envelope(record.command_id)
            try:
                self._prepare(envelope)
            except BadFetch as wrong:
                return self._refuse(record, Status(BAD_DOWNLOAD, "download"), wrong)
            except NotBelieved as wrong:
                return self._refuse(record, Status(AGENT_ERROR, wrong.reason), wrong)
            except Refused as refused:
                # Keys may just have changed in the other thread: the next attempt is signed with the new one.
                if refused.status not in _UNAUTHORISED or self._is_late(record, envelope):
                    return self._refuse(record, Status(AGENT_ERROR, "refused_by_server"), refused)
                self._wait(rhythm.after_failure())
                continue
            except OSError as wrong:
                if wrong.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                return self._refuse(record, Status(AGENT_ERROR, "disk_full"), wrong)
            except Unreachable as unreachable:
                if self._is_late(record, envelope):
                    return self._refuse(record, Status(BAD_DOWNLOAD, "unreachable"), unreachable)
                self._wait(rhythm.after_failure(unreachable.retry_after))
                continue
            if not envelope.steps:
                return self._finish(record, Status(0))
            return self._launch(record)

    def _is_late(self, record: Record, envelope: CommandEnvelope) -> bool:
        """Whether a command that could not be prepared by now has had all the time that its run would have."""
        return self._link.now() > record.received_at + envelope.deadline_seconds

    def _prepare(self, envelope: CommandEnvelope) -> None:
        """Write the run directory: what the run may read, and nothing else (seams 2)."""
        run = self._state.run(envelope.command_id)
        link = self._link
        if not envelope.manifest_digest:
            return
        obj = self._fetcher.manifest(envelope.manifest_version, envelope.manifest_digest, link.signer)
        manifest = read_manifest(obj, link.root.keys, link.identity.installation_id, link.identity.stack_id)
        self._link_cookbooks(run, manifest.bundles.get("builtin"), envelope.custom or manifest.bundles.get("custom"))
        if not envelope.steps:
            return
        parts = self._fetcher.parts(manifest.parts, link.signer)
        snapshot = build_snapshot(parts, open_data(envelope, link.keys), link.identity.instance_id)
        _write_private(run / "snapshot.json", msgspec.json.encode(snapshot))
        _write_private(run / "steps.json", msgspec.json.encode(envelope.steps))

    def _link_cookbooks(self, run: Path, builtin: BundleRef | None, custom: BundleRef | None) -> None:
        """Both bundles are named by what the online key signed: the manifest, and for the users' own the command."""
        links = run / "cookbooks"
        links.mkdir(mode=0o700, exist_ok=True)
        for name, ref in (("builtin", builtin), ("custom", custom)):
            (links / name).unlink(missing_ok=True)
            if ref is not None:
                place = self._fetcher.cookbooks(ref, self._link.signer)
                (links / name).symlink_to(place, target_is_directory=True)

    def _launch(self, record: Record) -> Record | None:
        """Journal `started`, then start the shim: between the two nothing can be lost or doubled (R5)."""
        attempt = record.attempt + 1
        prepare_lock(self._state, record.command_id)
        entry = Entry("started", record.command_id, record.dispatch, record.type, at=self._link.now(), attempt=attempt)
        started = self._journal.append(entry)
        run = self._state.run(record.command_id)
        if record.command_id in self._aborted:
            (run / "abort").touch()
        shim = subprocess.Popen(
            [sys.executable, "-m", "toque.daemon.shim", str(run), str(attempt)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        return None if started is None else self._follow(started, shim)

    # -- from started to finished -------------------------------------------------------------------------------

    def _follow(self, record: Record, shim: subprocess.Popen[bytes] | None) -> Record | None:
        """Stay with a run until it has ended; `shim` is None for one that a former agent started."""
        while True:
            mine_runs = shim is not None and still_runs(shim, _TICK)
            if mine_runs:
                self._stream_log(record.command_id)
                self._check_stop()
                continue
            conclusion, ledger = look(self._state, record.command_id, record.attempt)
            if conclusion == "running":
                self._stream_log(record.command_id)
                self._wait(_TICK)
                continue
            if conclusion == "ended" and ledger.status is not None:
                if ledger.status.restart:
                    return self._restart(record, ledger, ledger.status)
                return self._finish(record, ledger.status)
            if conclusion == "interrupted":
                at = ledger.begun_at or record.started_at
                return self._finish(record, Status(AGENT_ERROR, "interrupted", at, self._link.now()))
            if record.attempt - ledger.resumed >= _ATTEMPTS:
                return self._finish(record, Status(AGENT_ERROR, "cannot_start"))
            return self._begin(record)

    def _restart(self, record: Record, ledger: Ledger, status: Status) -> Record | None:
        """A part of a run ended so that the machine restarts: see to that, and after the boot begin the next part.

        The ledger is the wish, and says in which boot it was made: an agent killed at any point finds it again here.
        """
        if record.command_id in self._aborted or (self._state.run(record.command_id) / "abort").exists():
            return self._finish(record, msgspec.structs.replace(status, exit_code=ABORTED, reason="aborted"))
        if ledger.restarts.get(status.restart) != boot_id():
            lock = Lock(self._state.lock(record.command_id))
            lock.begin_anew(next_part(ledger, record.attempt))
            lock.close()
            return self._begin(record)
        if ledger.asked:
            # It was told to restart, and is still there: on its way down, or it cannot.
            self._wait(min(_REBOOT_WITHIN, max(0.0, ledger.asked_at + _REBOOT_WITHIN - time.time())))
        if ledger.asked >= _ATTEMPTS:
            return self._finish(record, msgspec.structs.replace(status, exit_code=AGENT_ERROR, reason="cannot_reboot"))
        self._log_due = 0.0
        self._stream_log(record.command_id)
        reboot.wish(self._state)
        lock = Lock(self._state.lock(record.command_id))
        lock.write(msgspec.structs.replace(ledger, asked=ledger.asked + 1, asked_at=time.time()))
        lock.close()
        self._restarts()
        raise Stopped

    # -- from finished to reported ------------------------------------------------------------------------------

    def _report(self, record: Record) -> None:
        """Send the rest of the log, then the result until it is confirmed (R8)."""
        end = record.end
        if end is None:
            return
        rhythm = Rhythm(random.Random())
        result = ResultRequest(
            command_id=record.command_id,
            dispatch=record.dispatch,
            exit_code=end.exit_code,
            started_at=end.started_at,
            finished_at=end.finished_at,
            log_size=end.log_size,
            reason=end.reason,
            resources=end.resources,
            revision=end.revision,
            releases=end.releases,
            warnings=end.warnings,
            causes=end.causes,
        )
        while True:
            try:
                self._send_rest_of_log(record.command_id)
                self._link.send(RESULT_PATH, result, Accepted)
                break
            except Unreachable as unreachable:
                self._wait(rhythm.after_failure(unreachable.retry_after))
            except Refused as refused:
                if refused.status in _UNAUTHORISED:
                    if record.type == "deregister":
                        # The server has let this node go already, and knows its key no more.
                        break
                    self._wait(rhythm.after_failure())
                    continue
                self._problems.add(f"result_refused: {record.command_id}: {refused}")
                break
        status = self._status_on_disk(record)
        if record.type == "deregister":
            leave.wish(self._state)
        elif status.reboot:
            reboot.wish(self._state)
        self._journal.append(Entry("reported", record.command_id, record.dispatch, at=self._link.now()))
        self._fetcher.forget_old(each.command_id for each in self._journal.open_records())
        self._reported(record, status)

    def _status_on_disk(self, record: Record) -> Status:
        try:
            lock = Lock(self._state.lock(record.command_id))
        except FileNotFoundError:
            return Status(0 if record.end is None else record.end.exit_code)
        status = lock.read().status
        lock.close()
        return status or Status(AGENT_ERROR)

    # -- pieces -------------------------------------------------------------------------------------------------

    def _finish(self, record: Record, status: Status) -> Record | None:
        now = self._link.now()
        log = self._state.run(record.command_id) / "log"
        size = log.stat().st_size if log.exists() else 0
        return self._journal.append(
            Entry(
                "finished",
                record.command_id,
                record.dispatch,
                record.type,
                at=now,
                exit_code=status.exit_code,
                reason=status.reason,
                started_at=status.started_at or record.started_at or now,
                finished_at=status.finished_at or now,
                log_size=size,
                resources=status.resources,
                revision=self._revision(record.command_id),
                releases=status.releases,
                warnings=status.warnings,
                causes=status.causes,
            )
        )

    def _revision(self, command_id: str) -> str:
        """The digest of the users' cookbooks that the run had; empty when it had none (ruling 18)."""
        link = self._state.run(command_id) / "cookbooks" / "custom"
        return link.readlink().name if link.is_symlink() else ""

    def _refuse(self, record: Record, status: Status, why: Exception) -> Record | None:
        """End a command that could not be prepared, with the reason in its log where a log can be written."""
        self._problems.add(f"command_failed: {record.command_id}: {status.reason}: {why}")
        try:
            with (self._state.run(record.command_id) / "log").open("a") as log:
                log.write(f"toque: the run could not be prepared: {why}\n")
        except OSError:
            pass
        return self._finish(record, status)

    def _envelope(self, command_id: str) -> CommandEnvelope:
        data = (self._state.run(command_id) / "envelope.json").read_bytes()
        return msgspec.json.decode(data, type=CommandEnvelope)

    def _stream_log(self, command_id: str) -> None:
        """Send what is new in the log, at most twice a second; a failure only delays it."""
        now = time.monotonic()
        if now < self._log_due:
            return
        self._log_due = now + _LOG_EVERY
        try:
            self._send_log(command_id)
        except (Unreachable, Refused) as wrong:
            self._log_due = now + 10 * _LOG_EVERY
            self._problems.add(f"log_delayed: {wrong}")

    def _send_rest_of_log(self, command_id: str) -> None:
        """All of the log before the result; a server that will not have it does not keep the result from being told."""
        try:
            self._send_log(command_id)
        except Refused as refused:
            if refused.status in _UNAUTHORISED:
                raise
            self._problems.add(f"log_refused: {command_id}: {refused}")

    def _send_log(self, command_id: str) -> None:
        path = self._state.run(command_id) / "log"
        if not path.exists():
            return
        with path.open("rb") as log:
            while True:
                log.seek(self._log_offset)
                piece = log.read(MAX_CHUNK)
                if not piece:
                    return
                request = LogRequest(command_id, self._log_offset, base64.b64encode(piece).decode())
                held = self._link.send(LOG_PATH, request, Accepted).size
                # The server may hold more than this agent knows of, or ask for a piece again.
                ahead = self._log_offset + len(piece)
                self._log_offset = held if self._log_offset < held <= path.stat().st_size else ahead

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped


def _write_private(path: Path, data: bytes) -> None:
    """Not synced: it is made anew from envelope and caches when the run has not begun, and not needed when it has."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
