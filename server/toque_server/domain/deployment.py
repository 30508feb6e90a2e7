"""Deployments: whom a request addresses, what it may say, and when it is over (chapter 04, sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from toque_server.domain.command import Command, CommandStatus, Deployment, DeploymentStatus
from toque_server.domain.instance import Instance, Status

APP_COMMANDS: Final = ("deploy", "rollback", "start", "stop", "restart", "undeploy")
STACK_COMMANDS: Final = (
    "install_dependencies",
    "update_dependencies",
    "update_custom_cookbooks",
    "execute_recipes",
    "configure",
    "setup",
)
ALIASES: Final[Mapping[str, str]] = {
    "upgrade_operating_system": "update_dependencies",
    "update_cookbooks": "update_custom_cookbooks",
}
"""Names that only the guide and the console knew, and the type of the commands they make (E-9)."""

_ALSO_REGISTERED: Final = frozenset(
    {"execute_recipes", "update_dependencies", "install_dependencies", "update_custom_cookbooks"}
)
_TRUE_OR_FALSE: Final = {"true": True, "false": False}


class InvalidDeployment(Exception):
    """The request cannot be carried out as it stands; the message says what to change. A ValidationException."""


class NotInStack(Exception):
    """An instance or layer that this stack does not have. A ResourceNotFoundException."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"Unable to find {kind} with ID {id} in this stack")
        self.kind, self.id = kind, id


class CommandArgs(msgspec.Struct, frozen=True):
    """What a request's `Command` comes to: the commands' type and args, and what was ignored in it."""

    type: str
    args: dict[str, Any]
    warnings: tuple[str, ...] = ()


class Targets(msgspec.Struct, frozen=True):
    """`able` get a command that runs; `unable` were named but cannot act: their command is born `skipped`."""

    able: tuple[Instance, ...]
    unable: tuple[Instance, ...] = ()

    @property
    def all(self) -> tuple[Instance, ...]:
        return (*self.able, *self.unable)

    @property
    def elected(self) -> str | None:
        """The id of the one that does what is done once for all: the first by host name of those that are online, else
        of those that get a command that runs."""
        online = [each for each in self.able if each.status is Status.ONLINE]
        return min(online or self.able, key=lambda each: each.hostname).id if self.able else None


def command_type(name: str) -> str:
    """The type of the commands that a request of this name makes; raises InvalidDeployment for an unknown name."""
    if (resolved := ALIASES.get(name, name)) in APP_COMMANDS or resolved in STACK_COMMANDS:
        return resolved
    names = ", ".join(sorted((*APP_COMMANDS, *STACK_COMMANDS, *ALIASES)))
    raise InvalidDeployment(f"Unknown command name {name!r}; the names are {names}")


def checked(name: str, args: Mapping[str, Sequence[str]], *, app_id: str | None) -> CommandArgs:
    """Judge `Command` of CreateDeployment: its name, its arguments, and whether it has the app it needs (E-9, E-10).

        checked("upgrade_operating_system", {}, app_id=None).args == {"app_ids": [], "allow_reboot": True}

    Raises InvalidDeployment. Arguments that the command does not know are left out and named in `warnings`.
    """
    type = command_type(name)
    if type in APP_COMMANDS and app_id is None:
        raise InvalidDeployment(f"Please provide an app ID for the {name} command: AppId is missing")
    made: dict[str, Any] = {"app_ids": [app_id] if app_id is not None else []}
    known: set[str] = set()
    if type == "execute_recipes":
        known = {"recipes"}
        if not args.get("recipes"):
            raise InvalidDeployment('Please provide the recipes to run: {"recipes": ["cookbook::recipe"]}')
        made["recipes"] = list(args["recipes"])
    elif type == "deploy":
        known = {"migrate"}
        made["migrate"] = _flag(args, "migrate", default=False)
    elif type == "update_dependencies":
        known = {"allow_reboot", "upgrade_os_to"}
        made["allow_reboot"] = _flag(args, "allow_reboot", default=name == "upgrade_operating_system")
        if os := args.get("upgrade_os_to"):
            if not made["allow_reboot"]:
                raise InvalidDeployment("upgrade_os_to requires allow_reboot to be true")
            made["upgrade_os_to"] = os[0]
    ignored = tuple(f"argument {key!r} is not known to {name} and was ignored" for key in sorted(set(args) - known))
    return CommandArgs(type, made, ignored)


def _flag(args: Mapping[str, Sequence[str]], key: str, *, default: bool) -> bool:
    values = args.get(key)
    if not values:
        return default
    if len(values) != 1 or values[0] not in _TRUE_OR_FALSE:
        raise InvalidDeployment(f"{key} is true or false, not {', '.join(map(repr, values))}")
    return _TRUE_OR_FALSE[values[0]]


def targets(
    type: str,
    instances: Collection[Instance],
    *,
    instance_ids: Collection[str] | None = None,
    layer_ids: Collection[str] | None = None,
    stack_layer_ids: Collection[str] | None = None,
) -> Targets:
    """Who gets a command of `type` among the stack's `instances` (E-8).

    Neither selector (or empty ones) means the whole stack; both mean their union. `stack_layer_ids` are all layers of
    the stack, and where they are given an unknown layer is refused. Raises NotInStack, and InvalidDeployment where
    nobody is left.
    """
    by_id = {each.id: each for each in instances}
    named = list(dict.fromkeys(instance_ids or ()))
    if missing := next((id for id in named if id not in by_id), None):
        raise NotInStack("instance", missing)
    wanted_layers = frozenset(layer_ids or ())
    if stack_layer_ids is not None and (strange := sorted(wanted_layers - frozenset(stack_layer_ids))):
        raise NotInStack("layer", strange[0])
    whole_stack = not named and not wanted_layers
    able: list[Instance] = []
    unable: list[Instance] = []
    for each in by_id.values():
        explicit = each.id in named
        if not (explicit or whole_stack or wanted_layers.intersection(each.layer_ids)):
            continue
        if each.status in _able_statuses(type, explicit=explicit):
            able.append(each)
        elif explicit:
            unable.append(each)
    if not able and not unable:
        raise InvalidDeployment(f"There is no instance that can run {type}: none of those selected is online")
    return Targets(tuple(able), tuple(unable))


def _able_statuses(type: str, *, explicit: bool) -> frozenset[Status]:
    if type == "setup":
        return frozenset({Status.ONLINE, Status.SETUP_FAILED})
    if type in _ALSO_REGISTERED:
        return frozenset({Status.ONLINE, Status.REGISTERED} | ({Status.SETUP_FAILED} if explicit else set()))
    return frozenset({Status.ONLINE})


def settle(deployment: Deployment, statuses: Collection[CommandStatus], now: datetime) -> Deployment | None:
    """The deployment as it ended, or None while one of its commands has not.

    `skipped` does not spoil it, `expired` does (E-13). It fails only when all have ended, so that a client which waits
    for it knows that nothing runs any more.
    """
    if deployment.status is not DeploymentStatus.RUNNING or CommandStatus.PENDING in statuses:
        return None
    spoiled = {CommandStatus.FAILED, CommandStatus.EXPIRED}.intersection(statuses)
    status = DeploymentStatus.FAILED if spoiled else DeploymentStatus.SUCCESSFUL
    return msgspec.structs.replace(deployment, status=status, completed_at=now)


def commands_for(
    deployment: Deployment,
    made: CommandArgs,
    chosen: Targets,
    ids: Sequence[str],
    *,
    expires_at: datetime,
    deadline: timedelta,
) -> list[Command]:
    """One command per target, `ids` in the order of `chosen.all`; those of unable targets have ended as `skipped`."""
    unable = {each.id for each in chosen.unable}
    return [
        Command(
            id=id,
            stack_id=deployment.stack_id,
            instance_id=target.id,
            deployment_id=deployment.id,
            cause_id=deployment.id,
            type=made.type,
            args=made.args,
            user_arn=deployment.user_arn,
            created_at=deployment.created_at,
            expires_at=expires_at,
            deadline_seconds=deadline.total_seconds(),
            status=CommandStatus.SKIPPED if target.id in unable else CommandStatus.PENDING,
            reason=f"the instance is {target.status}" if target.id in unable else "",
            completed_at=deployment.created_at if target.id in unable else None,
        )
        for id, target in zip(ids, chosen.all, strict=True)
    ]
