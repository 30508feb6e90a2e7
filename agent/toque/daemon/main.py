"""The resident process: polls, and hands what it is told to the thread that carries out commands.

Two threads: this one is the heartbeat and takes commands in, the other carries them out, so that no download, run or
upload makes a contact late (R10). Runs are processes of their own and outlive both.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import secrets
import signal
import sys
import threading
import time
from collections import deque
from http import HTTPStatus
from pathlib import Path
from types import FrameType

import toque.daemon
from toque.daemon import leave, policy, reboot
from toque.daemon.backoff import Rhythm
from toque.daemon.carry import Carrier, Stopped
from toque.daemon.client import Client, Refused, Unreachable
from toque.daemon.config import AgentConfig, BadConfig
from toque.daemon.enrol import enrol
from toque.daemon.fetch import Fetcher
from toque.daemon.identity import Identity, forget_stray_keys, is_copy, load_identity
from toque.daemon.intake import Intake, PolicyExpired
from toque.daemon.journal import Journal, Record
from toque.daemon.link import Link
from toque.daemon.machine import boot_id, facts_of, fingerprint_of
from toque.daemon.marks import Status
from toque.daemon.metrics import Sampler
from toque.daemon.problems import Problems
from toque.daemon.state import BadState, State
from toque.daemon.trust import NotBelieved, read_manifest, read_time
from toque.protocol.messages import POLL_PATH, Facts, PollAnswer, PollRequest, SignedObject
from toque.protocol.tokens import BadToken, parse_token

log = logging.getLogger("toque.agent")

FRESH_EVERY = 6 * 3600.0
"""Seconds after which the agent asks for a policy signed over a nonce of its own."""

FRESH_RETRY = 60.0
"""Seconds after which it asks again, when the answer brought none."""

SOON = 0.25
"""Seconds between the two polls after a result."""

FACTS_EVERY = 600.0
NOT_ENROLLED = 78
"""Exit status when there is nothing to do here: no identity and no token, or a copied disk (EX_CONFIG)."""


class Agent:
    """One agent at work. `run()` returns when it was told to stop, or has left its stack."""

    def __init__(self, state: State, config: AgentConfig, identity: Identity) -> None:
        self.state = state
        self.config = config
        self.stop = threading.Event()
        self.wake = threading.Event()
        self.rhythm = Rhythm(random.Random())
        self.problems = Problems()
        self.journal = Journal(state.journal, on_full=state.spend_reserve)
        self.link = Link(state, identity, Client(config.server_url, epoch=state.next_epoch(), ca_file=config.ca_file))
        fetcher = Fetcher(state, self.link.client)
        self.carrier = Carrier(
            state, self.journal, self.link, fetcher, self.problems, self.stop, self._reported, self._restarts
        )
        self.intake = Intake(
            state,
            self.journal,
            self.link,
            fetcher,
            self.problems,
            self._accepted,
            minimum_free=config.minimum_free_mb << 20,
        )
        self._sampler = Sampler()
        self._queue: deque[str] = deque(record.command_id for record in self.journal.open_records())
        self._work = threading.Condition()
        self._facts: Facts | None = None
        self._facts_due = 0.0
        self._said_who = False
        self._fresh_due = 0.0
        self._look_again = False
        self._after = ""
        if self.journal.damaged:
            self.problems.add(f"journal_damaged: {self.journal.damaged} lines could not be read")
        forget_stray_keys(state, identity)

    def run(self, *, at_once: bool = False) -> str:
        """Work until told to stop. What is left to do is returned: nothing, `left` or `reboot`."""
        worker = threading.Thread(target=self._work_off, name="commands", daemon=True)
        worker.start()
        wait = 0.0 if at_once else self.rhythm.at_start()
        _give_back_memory()
        while not self._pause(wait):
            wait = self._turn()
        with self._work:
            self._work.notify_all()
        worker.join(timeout=10)
        self.journal.close()
        return self._after

    def once(self) -> None:
        """One poll, and everything it brings carried out to its report. Raises Unreachable, Refused or Stopped."""
        self._poll()
        while self._queue:
            self.carrier.carry(self._queue.popleft())

    # -- the heartbeat ------------------------------------------------------------------------------------------

    def _turn(self) -> float:
        """One turn of the loop; seconds until the next."""
        try:
            self._poll()
        except Unreachable as unreachable:
            log.info("%s", unreachable)
            return self.rhythm.after_failure(unreachable.retry_after)
        except Refused as refused:
            log.warning("the server refuses contact: %s%s", refused, self._remedy(refused))
            return self.rhythm.after_failure()
        except Exception:
            log.exception("a turn of the loop failed")
            self.problems.add("agent_error: a turn of the loop failed; see the agent's log")
            return self.rhythm.after_failure()
        if self._look_again:
            self._look_again = False
            return SOON
        return self.rhythm.after_success(time.monotonic())

    def _remedy(self, refused: Refused) -> str:
        """What the people of this machine can do about a refusal; nothing where only the server's can help."""
        if refused.status != HTTPStatus.UNAUTHORIZED or refused.refusal.error == "clock_skew":
            return ""
        return (
            f". The key of this node was revoked, or {self.config.server_url} is not the server that it joined: no new "
            f"command starts here. To join again, stop the agent, empty {self.state.root} and run "
            "`toque agent enrol --server URL --token TOKEN` with a new join token"
        )

    def _pause(self, seconds: float) -> bool:
        """Wait, or until woken; metrics are taken meanwhile. Whether the agent is to stop."""
        until = time.monotonic() + seconds
        while not self.stop.is_set():
            now = time.time()
            self._sampler.look(now)
            left = until - time.monotonic()
            if left <= 0 or self.wake.wait(min(left, 60 - now % 60)):
                self.wake.clear()
                break
        return self.stop.is_set()

    def _poll(self) -> None:
        request = self._request()
        answer = self.link.send(POLL_PATH, request, PollAnswer)
        self.rhythm.told(answer.interval, answer.backoff_cap)
        self._said_who = True
        self._facts = request.facts or self._facts
        self._sampler.delivered(request.metrics)
        self.problems.delivered(request.problems)
        self.state.keep_reserve()
        self._learn(request, answer)
        if answer.abort:
            self.carrier.abort(answer.abort)
        waits = answer.command is not None and not request.disabled and not self._take(answer.command)
        # After the command: it may run against a version that is older than the newest, but not than any before.
        self._learn_policy(request, answer)
        if waits:
            self._fresh_due = 0.0
        if answer.rotate or self.link.rotation_is_due():
            self.link.rotate()

    def _request(self) -> PollRequest:
        now = time.monotonic()
        facts = None
        if now >= self._facts_due:
            found = facts_of(self.config)
            facts = found if found != self._facts else None
            self._facts_due = now + FACTS_EVERY if facts is None else 0.0
        wants_fresh = now >= self._fresh_due
        return PollRequest(
            agent_version=toque.daemon.VERSION,
            boot_id=boot_id(),
            highest_dispatch=self.journal.highest,
            running=self.carrier.running,
            manifest_version=self.link.seen.version,
            recovery_epoch=max(self.link.seen.recovery_epoch, self.link.root.manifest.recovery_epoch),
            root_version=self.link.root.manifest.version,
            facts=facts,
            fingerprint=None if self._said_who else fingerprint_of(self.config),
            metrics=self._sampler.waiting(),
            problems=self.problems.waiting(),
            disabled=disabled_reason(self.state),
            nonce=secrets.token_hex(16) if wants_fresh else "",
        )

    def _take(self, command: SignedObject) -> bool:
        """Take a command in; False when it waits for a policy that is not expired. It comes again with each poll."""
        try:
            self.intake.take(command)
        except Unreachable as unreachable:
            log.info("a command waits: %s", unreachable)
        except PolicyExpired as expired:
            self.problems.add(f"policy_expired: {expired}")
            return False
        return True

    def _learn(self, request: PollRequest, answer: PollAnswer) -> None:
        """Take in a newer root manifest, and the signed time that answers our nonce."""
        link = self.link
        try:
            if answer.root is not None:
                link.learn_root(answer.root)
            if request.nonce and answer.time is not None:
                said = read_time(answer.time, link.root.keys, request.nonce)
                link.client.offset += said - link.client.now()
        except NotBelieved as wrong:
            self.problems.add(f"not_believed: {wrong}")

    def _learn_policy(self, request: PollRequest, answer: PollAnswer) -> None:
        """Take in a policy; one that is signed over our nonce is fresh, whatever any clock says."""
        link = self.link
        if request.nonce:
            self._fresh_due = max(self._fresh_due, time.monotonic() + FRESH_RETRY)
        if answer.manifest is None:
            return
        try:
            manifest = read_manifest(
                answer.manifest, link.root.keys, link.identity.installation_id, link.identity.stack_id
            )
            is_answer = bool(request.nonce) and manifest.nonce == request.nonce
            judge = policy.vouched if is_answer else policy.accept
            link.remember(judge(link.seen, manifest))
        except NotBelieved as wrong:
            self.problems.add(f"not_believed: {wrong}")
            return
        if is_answer:
            self._fresh_due = time.monotonic() + FRESH_EVERY

    # -- the commands -------------------------------------------------------------------------------------------

    def _accepted(self, command_id: str) -> None:
        with self._work:
            self._queue.append(command_id)
            self._work.notify_all()

    def _work_off(self) -> None:
        while True:
            with self._work:
                self._work.wait_for(lambda: self._queue or self.stop.is_set())
                if self.stop.is_set():
                    return
                command_id = self._queue.popleft()
            try:
                self.carrier.carry(command_id)
            except Stopped:
                return
            except Exception:
                log.exception("command %s broke", command_id)
                self.problems.add(f"agent_error: command {command_id} broke; see the agent's log")
                self.carrier.fail(command_id, "agent_error")
                self._accepted(command_id)
                self.stop.wait(self.rhythm.after_failure())

    def _reported(self, record: Record, status: Status) -> None:
        """A result was confirmed: what follows from it, and the next poll at once, and once more soon after.

        The server decides what follows from a result a moment after it has confirmed it.
        """
        self._look_again = True
        self._facts_due = 0.0
        if record.type == "deregister":
            self._after = "left"
            self.stop.set()
        elif status.reboot:
            self._restarts()
        self.wake.set()

    def _restarts(self) -> None:
        """End, and restart the machine."""
        self._after = "reboot"
        self.stop.set()
        self.wake.set()


def disabled_reason(state: State) -> str:
    """Why an administrator has disabled this agent; empty when nobody has."""
    try:
        return state.disabled.read_text(errors="replace").strip() or "disabled"
    except FileNotFoundError:
        return ""


def identity_for(state: State, config: AgentConfig, *, give_up: threading.Event) -> tuple[Identity, bool]:
    """The identity to work as, and whether it is new: kept from before, or got with the token file.

    Raises BadConfig when there is neither, BadState on a copied disk, NotBelieved and Refused when the server is not
    the one that the token names, or refuses it. While the server cannot be reached it is tried again.
    """
    identity = load_identity(state)
    if identity is not None:
        if is_copy(identity.fingerprint, fingerprint_of(config)):
            raise BadState(
                f"{state.root} was copied from another machine, and its identity belongs to that one: "
                f"empty the directory and enrol this machine with a token of its own"
            )
        return identity, False
    if not config.join_token_file or not config.server_url:
        raise BadConfig("this node has no identity: run `toque agent enrol --server URL --token TOKEN`")
    try:
        token = parse_token(Path(config.join_token_file).read_text())
    except (OSError, BadToken) as wrong:
        raise BadConfig(f"{config.join_token_file}: {wrong}") from wrong
    rhythm = Rhythm(random.Random())
    while True:
        try:
            return enrol(state, config, token), True
        except Unreachable as unreachable:
            log.info("enrolment: %s", unreachable)
            if give_up.wait(rhythm.after_failure(unreachable.retry_after)):
                raise


def serve(config: AgentConfig) -> int:
    """Be the agent of this machine until SIGTERM; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    stopped = threading.Event()
    working: list[Agent] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        for agent in working:
            agent.stop.set()
            agent.wake.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        state = State(Path(config.state_dir))
        held = state.hold(wait=True)
        if leave.is_wished(state):
            return _leave(state, config)
        identity, is_new = identity_for(state, config, give_up=stopped)
    except (BadConfig, BadState, NotBelieved, Refused) as wrong:
        log.error("%s", wrong)
        return NOT_ENROLLED
    except Unreachable:
        return 0
    if reboot.is_wished(state):
        return _restart(state)
    agent = Agent(state, config, identity)
    working.append(agent)
    if stopped.is_set():
        agent.stop.set()
    log.info("agent %s of instance %s", toque.daemon.VERSION, identity.instance_id)
    after = agent.run(at_once=is_new)
    if after == "left":
        return _leave(state, config)
    if after == "reboot":
        return _restart(state)
    os.close(held)
    return 0


def _leave(state: State, config: AgentConfig) -> int:
    """Remove the agent from this machine: it was deregistered."""
    leave.leave(state, Path(config.log_dir))
    log.info("this node has left its stack; the logs of its runs are in %s/runs", config.log_dir)
    return NOT_ENROLLED


def _restart(state: State) -> int:
    """Restart the machine, as a command asked; where that fails, whoever keeps the agent alive starts it again."""
    log.info("rebooting, as the command asked for it")
    try:
        reboot.restart_machine(state)
    except reboot.CannotReboot as wrong:
        log.error("%s; the agent goes on without", wrong)
        return 1
    return 0


def _give_back_memory() -> None:
    """What start-up made and nobody needs again."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    from toque.daemon.config import load_config

    sys.exit(serve(load_config(None, os.environ)))
