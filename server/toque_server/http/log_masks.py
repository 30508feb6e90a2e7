"""Secrets that this server knows, hidden once more in what agents send of their logs (S14).

The agent hides them already, wherever its output is cut; this is the net behind that, for an agent that failed to. A
secret is blotted out byte for byte, as offsets into a log must stay what they are; what two pieces share is not seen.
"""

from __future__ import annotations

from collections import OrderedDict

from sqlalchemy import Connection

from toque.protocol.masking import Mask
from toque_server.domain import bags
from toque_server.domain.command import Command
from toque_server.http.policy import Policies
from toque_server.operations.context import Services
from toque_server.store import commands

_REMEMBERED = 1024


class LogMasks:
    """One per server process. The mask of a command is made with its first piece of log."""

    def __init__(self, services: Services, policies: Policies) -> None:
        self._services = services
        self._policies = policies
        self._masks: OrderedDict[str, Mask] = OrderedDict()

    def blotted(self, command_id: str, instance_id: str, data: bytes) -> bytes:
        """A piece of this command's log without the secrets that were sealed to its node. Call it outside a write."""
        mask = self._masks.get(command_id)
        if mask is None:
            with self._services.database.read() as conn:
                command = commands.get(conn, command_id)
                if command is None or command.instance_id != instance_id:
                    return data
                mask = self._masks[command_id] = self._made(conn, command)
            while len(self._masks) > _REMEMBERED:
                self._masks.popitem(last=False)
        return mask.blot(data)

    def _made(self, conn: Connection, command: Command) -> Mask:
        snapshot = self._policies.snapshot(conn, command.stack_id)
        instance = None if snapshot is None else snapshot.instances.get(command.instance_id)
        if snapshot is None or instance is None:
            return Mask(())
        app_ids = [str(app) for app in command.args.get("app_ids", ())]
        deploying = bags.deploy_apps(command.type, app_ids, snapshot.world)
        return Mask(bags.masked_values(bags.secrets_for(snapshot.world, instance, command.type, deploying)))
