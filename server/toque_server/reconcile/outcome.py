"""The end of a command: its record, its deployment, and what becomes of its instance, in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from toque_server.domain.command import Command, CommandStatus, Exit
from toque_server.domain.consequences import after_result
from toque_server.reconcile.apply import Overtaken, apply
from toque_server.reconcile.services import Services
from toque_server.store import commands, instances
from toque_server.store.actions import report_ended

_TRIES = 5

REBOOTING = "rebooting"
"""The reason that an agent gives with a result after which it restarts its machine."""


class Outcome:
    """Settles commands for the agents' routes.

    outcome = Outcome(services)
    NodeApp(node_services, settle=outcome.settle)
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def settle(self, conn: Connection, command: Command, *, exit_code: int, reason: str, at: datetime) -> bool:
        """End a command and do what follows from it, in the caller's transaction.

        False, and nothing is done, if it has ended already: the first verdict stands (R8). Raises Overtaken when the
        instance changes faster than we can look; the agent sends its result again.
        """
        status = CommandStatus.SUCCESSFUL if exit_code == Exit.OK else CommandStatus.FAILED
        if not commands.finish(conn, command, status, exit_code, at, reason):
            return False
        report_ended(conn, command, status, exit_code, at, reason)
        for left in reversed(range(_TRIES)):
            instance = instances.get(conn, command.instance_id)
            if instance is None:
                return True
            rebooting = reason == REBOOTING
            follows = after_result(instance, command, exit_code, at, reason=reason, rebooting=rebooting)
            if not follows:
                return True
            try:
                with conn.begin_nested():
                    apply(conn, follows, at, self._services)
            except Overtaken:
                if not left:
                    raise
            else:
                return True
        return True
