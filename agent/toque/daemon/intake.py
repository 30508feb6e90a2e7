"""A command arrives: judged, written to the journal, acknowledged. Only then may it be carried out (S6, R4)."""

from __future__ import annotations

import base64
import errno
from collections.abc import Callable
from typing import Final

import msgspec

from toque.daemon import policy
from toque.daemon.client import Refused
from toque.daemon.fetch import Fetcher
from toque.daemon.identity import Keys
from toque.daemon.journal import Entry, Journal
from toque.daemon.link import Link
from toque.daemon.problems import Problems
from toque.daemon.state import State
from toque.daemon.trust import NotBelieved, judge_command, read_command, read_manifest
from toque.protocol.durable import sync_directory, write_durably
from toque.protocol.messages import ACK_PATH, Accepted, AckRequest, CommandData, CommandEnvelope, SignedObject
from toque.protocol.sealing import BadSeal, open_sealed, sealing_context

_NOT_OURS: Final = frozenset({"installation", "instance", "dispatch"})
"""Refusals that hold for ever without being remembered; a foreign command's number must not count as one of ours."""

_ALREADY_SETTLED: Final = frozenset({400, 403, 404, 409})


class PolicyExpired(Exception):
    """The policy is past its date and nobody vouched for it: the command waits, unacknowledged (S7)."""


def open_data(envelope: CommandEnvelope, keys: list[Keys]) -> CommandData:
    """What was sealed for this node; NotBelieved when none of its keys opens it."""
    context = sealing_context(envelope.installation_id, envelope.instance_id, envelope.command_id)
    for pair in keys:
        try:
            plain = open_sealed(pair.sealing, base64.b64decode(envelope.sealed), context=context)
            return msgspec.json.decode(plain, type=CommandData)
        except BadSeal:
            continue
        except msgspec.DecodeError as wrong:
            raise NotBelieved("shape", f"the sealed data: {wrong}") from wrong
    raise NotBelieved("sealed", "no key of this node opens the data")


class Intake:
    """Takes in what polls bring. `accepted` is called with the id of each command that is now to be carried out."""

    def __init__(
        self,
        state: State,
        journal: Journal,
        link: Link,
        fetcher: Fetcher,
        problems: Problems,
        accepted: Callable[[str], None],
        *,
        minimum_free: int,
    ) -> None:
        self._state = state
        self._journal = journal
        self._link = link
        self._fetcher = fetcher
        self._problems = problems
        self._accepted = accepted
        self._minimum_free = minimum_free

    def take(self, obj: SignedObject) -> None:
        """Judge a command and acknowledge it. Raises Unreachable (it comes again) and PolicyExpired.

        What is not signed by a trusted key names no command that could be refused: it is only reported.
        """
        try:
            envelope = read_command(obj, self._link.root.keys)
        except NotBelieved as wrong:
            self._problems.add(f"command_refused: {wrong}")
            return
        known = self._journal.get(envelope.command_id)
        if known is not None:
            self._acknowledge(envelope, refused=known.reason if known.step == "refused" else "")
            return
        try:
            self._judge(envelope)
            self._keep(envelope, obj)
        except NotBelieved as wrong:
            self._problems.add(f"command_refused: {wrong}")
            self._never_start(envelope, wrong.reason)
            self._acknowledge(envelope, refused=wrong.reason)
            return
        self._accepted(envelope.command_id)
        self._acknowledge(envelope)

    def _judge(self, envelope: CommandEnvelope) -> None:
        link = self._link
        judge_command(
            envelope,
            installation_id=link.identity.installation_id,
            instance_id=link.identity.instance_id,
            now=link.now(),
            highest_dispatch=self._journal.highest,
        )
        open_data(envelope, link.keys)
        if self._state.free_bytes() < self._minimum_free:
            raise NotBelieved("disk_full", f"less than {self._minimum_free >> 20} MiB are free")
        if not envelope.steps and not envelope.manifest_digest:
            return
        obj = self._fetcher.manifest(envelope.manifest_version, envelope.manifest_digest, link.signer)
        manifest = read_manifest(obj, link.root.keys, link.identity.installation_id, link.identity.stack_id)
        if (manifest.version, manifest.recovery_epoch) != (envelope.manifest_version, envelope.recovery_epoch):
            raise NotBelieved("manifest_digest", "the manifest has another version than the command names")
        seen = policy.accept(link.seen, manifest)
        if policy.is_expired(seen, manifest, link.now()):
            raise PolicyExpired(f"version {manifest.version}")
        link.remember(seen)

    def _keep(self, envelope: CommandEnvelope, obj: SignedObject) -> None:
        """The command is on disk, and then in the journal: from here on it is never lost."""
        run = self._state.run(envelope.command_id)
        try:
            run.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(run.parent)
            write_durably(run / "envelope.json", base64.b64decode(obj.payload))
            self._journal.append(
                Entry(
                    "received",
                    envelope.command_id,
                    envelope.dispatch,
                    envelope.type,
                    at=self._link.now(),
                )
            )
        except OSError as wrong:
            if wrong.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise NotBelieved("disk_full", str(wrong)) from wrong

    def _never_start(self, envelope: CommandEnvelope, reason: str) -> None:
        """Remember a refusal, so that the same command, repeated by somebody, is not judged right another day."""
        if reason not in _NOT_OURS:
            at = self._link.now()
            refused = Entry("refused", envelope.command_id, envelope.dispatch, envelope.type, at=at, reason=reason)
            self._journal.append(refused)

    def _acknowledge(self, envelope: CommandEnvelope, *, refused: str = "") -> None:
        try:
            self._link.send(ACK_PATH, AckRequest(envelope.command_id, envelope.dispatch, refused), Accepted)
        except Refused as settled:
            # The server has closed the matter (the command expired, say): it will not hand it out again.
            if settled.status not in _ALREADY_SETTLED:
                raise
            self._problems.add(f"acknowledgement_refused: {envelope.command_id}: {settled}")
