"""What a node says of itself in its polls: facts, problems, and signs that two machines share one key (S11)."""

from __future__ import annotations

import msgspec

from toque.protocol.messages import PollRequest
from toque_server.http.guard import Request
from toque_server.http.hub import Hub
from toque_server.http.keyring import Node
from toque_server.operations.context import Services
from toque_server.store import commands, contacts, events, nodes, stacks

_SETTLED = 2.0
"""Seconds after a reboot from which on a request of the former boot is news, not a recording."""


class Facts:
    """`take()` is called with every poll and touches the database only when a poll says something new."""

    def __init__(self, services: Services, hub: Hub) -> None:
        self._services = services
        self._hub = hub

    def take(self, request: Request, poll: PollRequest) -> None:
        """Store what changed: facts touch the stack, for a policy shows them; problems do not."""
        node = request.node
        new_facts = poll.facts is not None and poll.facts != node.facts
        problems = poll.problems if not poll.disabled else (*poll.problems, f"disabled: {poll.disabled}")
        raised = poll.highest_dispatch > max(node.dispatch, 0)
        if poll.fingerprint is not None and poll.fingerprint.provider_instance_id:
            known = node.fingerprint.provider_instance_id
            if known and known != poll.fingerprint.provider_instance_id:
                self._hold(node, "its key is used on another machine of the provider")
        if not new_facts and problems == node.problems and not raised:
            return
        with self._services.database.write() as conn:
            if not nodes.advance(conn, node.key_id, "h", request.parsed.epoch, request.parsed.sequence):
                return  # another process has had this very poll: a replay changes nothing (ruling 20)
            contacts.touch(conn, node.instance_id, node.stack_id, self._hub.to_time(request.now))
            if poll.facts is not None and new_facts:
                known_facts = contacts.get(conn, node.instance_id)
                contacts.set_facts(conn, node.instance_id, poll.facts)
                if known_facts is None or known_facts.facts != poll.facts:
                    stacks.touch(conn, node.stack_id)
            if problems != node.problems:
                contacts.set_problems(conn, node.instance_id, problems)
            if raised:
                commands.raise_number(conn, node.instance_id, poll.highest_dispatch)
        request.taken = True
        node.facts = poll.facts or node.facts
        node.problems = problems
        node.dispatch = max(node.dispatch, poll.highest_dispatch)

    def suspect(self, request: Request, decoder: msgspec.json.Decoder[PollRequest]) -> None:
        """Look at a signed poll whose number went back: a recording, or a second machine with the same key?

        A recording was made before the newest boot began, or comes from it. A request with another boot id that was
        signed since is a second machine that is alive now.
        """
        node = request.node
        try:
            poll = decoder.decode(request.body)
        except msgspec.DecodeError:
            return
        alive = request.parsed.created > node.boot_since + _SETTLED
        if node.boot_id and poll.boot_id != node.boot_id and alive:
            self._hold(node, "two machines use its key at the same time")

    def _hold(self, node: Node, why: str) -> None:
        if node.conflict:
            return
        node.conflict = True
        with self._services.database.write() as conn:
            if nodes.set_conflict(conn, node.instance_id, True):
                events.add(
                    conn,
                    "node.identity_conflict",
                    f"instance {node.instance_id} is held, {why}: switch the wrong machine off, then call FreeNodeKey",
                    at=self._services.database.now(conn),
                    stack_id=node.stack_id,
                    instance_id=node.instance_id,
                )
