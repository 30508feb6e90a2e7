"""Who may do what: levels, policies, and the order in which they count (chapter 07, sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from toque_server.domain import registration_identity


class Level(StrEnum):
    """What a user may do on one stack. `IAM_ONLY` is where everyone starts: nothing but what a policy says."""

    DENY = "deny"
    IAM_ONLY = "iam_only"
    SHOW = "show"
    DEPLOY = "deploy"
    MANAGE = "manage"


class Permission(StrEnum):
    """What an operation asks of its caller.

    The first three are levels on every stack that the request concerns. `ADMINISTRATOR`: only by policy, which an
    administrator has. `SELF`: on one's own profile, where self-management is allowed. `ANY`: whoever is known.
    """

    SHOW = "show"
    DEPLOY = "deploy"
    MANAGE = "manage"
    ADMINISTRATOR = "administrator"
    SELF = "self"
    ANY = "any"


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"
    SILENT = "Silent"


@dataclass(frozen=True)
class StackRef:
    """As much of a stack as a decision about access needs."""

    id: str
    region: str

    def arn(self, account_id: str) -> str:
        return f"arn:aws:opsworks:{self.region}:{account_id}:stack/{self.id}/"


class Policies(Protocol):
    """What the attached policies say of one action on one stack (None: on no stack).

    `deciding` names the statements that this came from, as `POLICY/SID`.
    """

    def effect(self, action: str, stack: StackRef | None) -> Effect: ...

    def deciding(self, action: str, stack: StackRef | None) -> tuple[str, ...]: ...


class NoPolicies:
    """Nobody attached any."""

    def effect(self, action: str, stack: StackRef | None) -> Effect:
        return Effect.SILENT

    def deciding(self, action: str, stack: StackRef | None) -> tuple[str, ...]:
        return ()


class Rule(StrEnum):
    """What decided, in the order in which it is asked (chapter 07, section 3.1)."""

    REGISTRATION = "registration"
    OWNER = "owner"
    LEVEL_DENY = "level_deny"
    POLICY_DENY = "policy_deny"
    LEVEL = "level"
    ANYBODY = "anybody"
    SELF_MANAGEMENT = "self_management"
    ADMINISTRATOR = "administrator"
    POLICY_ALLOW = "policy_allow"
    NOTHING = "nothing"


_REFUSALS = frozenset({Rule.LEVEL_DENY, Rule.POLICY_DENY, Rule.NOTHING})


@dataclass(frozen=True)
class Verdict:
    """Whether a caller may do something, and what decided it: `statements` where a policy did."""

    rule: Rule
    statements: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.rule not in _REFUSALS


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls. `administrator`: has the full-access policy. `self_management`: may change the own profile.

    `registers`: the id of the one stack with which a registration identity may register a machine; it may do nothing
    else. None for everybody else.
    """

    arn: str
    name: str
    administrator: bool = False
    self_management: bool = False
    registers: str | None = None

    @property
    def is_owner(self) -> bool:
        """The account's owner is never subject to levels or policies."""
        return self.arn.endswith(":root")

    @property
    def sees_all(self) -> bool:
        """May be told that a thing does not exist; others hear the same as for a thing they may not see."""
        return self.is_owner or self.administrator


_RANK = {Level.DENY: 0, Level.IAM_ONLY: 0, Level.SHOW: 1, Level.DEPLOY: 2, Level.MANAGE: 3}
_NEEDED = {Permission.SHOW: 1, Permission.DEPLOY: 2, Permission.MANAGE: 3}


def grants(level: Level, permission: Permission) -> bool:
    """Whether the level alone is enough."""
    return permission in _NEEDED and _RANK[level] >= _NEEDED[permission]


def decide(
    stack: StackRef | None,
    *,
    action: str,
    permission: Permission,
    caller: Principal,
    level: Level = Level.IAM_ONLY,
    policies: Policies | None = None,
) -> Verdict:
    """The order of chapter 07, section 3.1: owner, level deny, policy deny, level, policy allow, else no."""
    if caller.registers is not None:
        its_own = stack is not None and stack.id == caller.registers and action == registration_identity.ACTION
        return Verdict(Rule.REGISTRATION if its_own else Rule.NOTHING)
    if caller.is_owner:
        return Verdict(Rule.OWNER)
    if level is Level.DENY:
        return Verdict(Rule.LEVEL_DENY)
    said = policies or NoPolicies()
    effect = said.effect(action, stack)
    if effect is Effect.DENY:
        return Verdict(Rule.POLICY_DENY, said.deciding(action, stack))
    if permission is Permission.ANY:
        return Verdict(Rule.ANYBODY)
    if grants(level, permission):
        return Verdict(Rule.LEVEL)
    if permission is Permission.SELF and caller.self_management:
        return Verdict(Rule.SELF_MANAGEMENT)
    if caller.administrator:
        return Verdict(Rule.ADMINISTRATOR)
    if effect is Effect.ALLOW:
        return Verdict(Rule.POLICY_ALLOW, said.deciding(action, stack))
    return Verdict(Rule.NOTHING)


def allowed_on(
    stack: StackRef | None,
    *,
    action: str,
    permission: Permission,
    caller: Principal,
    level: Level = Level.IAM_ONLY,
    policies: Policies | None = None,
) -> bool:
    """Whether the decision is yes; see `decide`."""
    return decide(stack, action=action, permission=permission, caller=caller, level=level, policies=policies).allowed


def refused(
    stacks: Iterable[StackRef],
    levels: Mapping[str, Level],
    *,
    action: str,
    permission: Permission,
    caller: Principal,
    policies: Policies | None = None,
) -> StackRef | None:
    """The first stack on which the caller may not do this; None when he may on all. Levels are by stack id."""
    for stack in stacks:
        level = levels.get(stack.id, Level.IAM_ONLY)
        if not allowed_on(stack, action=action, permission=permission, caller=caller, level=level, policies=policies):
            return stack
    return None
