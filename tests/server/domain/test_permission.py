from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain.permission import (
    Effect,
    Level,
    Permission,
    Principal,
    StackRef,
    allowed_on,
    grants,
    refused,
)

STACK = StackRef("s-1", "eu-1")
ANN = Principal(arn="arn:aws:iam::123456789012:user/ann", name="ann")
ADMIN = Principal(arn="arn:aws:iam::123456789012:user/root2", name="root2", administrator=True)
OWNER = Principal(arn="arn:aws:iam::123456789012:root", name="admin", administrator=True)


class Says:
    """Policies that say the same of everything."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect

    def effect(self, action: str, stack: StackRef | None) -> Effect:
        return self._effect

    def deciding(self, action: str, stack: StackRef | None) -> tuple[str, ...]:
        return ("mine/all",)


def may(
    caller: Principal,
    permission: Permission,
    level: Level = Level.IAM_ONLY,
    effect: Effect = Effect.SILENT,
    stack: StackRef | None = STACK,
) -> bool:
    return allowed_on(stack, action="Do", permission=permission, caller=caller, level=level, policies=Says(effect))


@pytest.mark.parametrize(
    ("level", "granted"),
    [
        (Level.DENY, set()),
        (Level.IAM_ONLY, set()),
        (Level.SHOW, {Permission.SHOW}),
        (Level.DEPLOY, {Permission.SHOW, Permission.DEPLOY}),
        (Level.MANAGE, {Permission.SHOW, Permission.DEPLOY, Permission.MANAGE}),
    ],
)
def test_what_each_level_grants(level: Level, granted: set[Permission]) -> None:
    assert {permission for permission in Permission if grants(level, permission)} == granted


def test_deny_beats_every_allow_but_the_owner() -> None:
    assert not may(ADMIN, Permission.SHOW, Level.DENY, Effect.ALLOW)
    assert may(OWNER, Permission.MANAGE, Level.DENY, Effect.DENY)


def test_a_policy_that_denies_beats_the_level() -> None:
    assert not may(ANN, Permission.SHOW, Level.MANAGE, Effect.DENY)
    assert not may(ADMIN, Permission.ADMINISTRATOR, Level.MANAGE, Effect.DENY)


def test_a_policy_that_allows_exceeds_the_level() -> None:
    assert may(ANN, Permission.MANAGE, Level.DEPLOY, Effect.ALLOW)


def test_manage_is_not_administration() -> None:
    assert not may(ANN, Permission.ADMINISTRATOR, Level.MANAGE)
    assert may(ADMIN, Permission.ADMINISTRATOR)


def test_ones_own_profile_needs_self_management() -> None:
    trusted = Principal(arn=ANN.arn, name="ann", self_management=True)

    assert not may(ANN, Permission.SELF, stack=None)
    assert may(trusted, Permission.SELF, stack=None)
    assert may(ADMIN, Permission.SELF, stack=None)


def test_the_right_is_needed_on_every_stack() -> None:
    other = StackRef("s-2", "eu-1")

    at = refused(
        [STACK, other], {"s-1": Level.MANAGE, "s-2": Level.SHOW}, action="Do", permission=Permission.DEPLOY, caller=ANN
    )

    assert at == other
    assert other.arn("123456789012") == "arn:aws:opsworks:eu-1:123456789012:stack/s-2/"


@given(
    permission=st.sampled_from([Permission.SHOW, Permission.DEPLOY, Permission.MANAGE]),
    lower=st.sampled_from(Level),
    higher=st.sampled_from(Level),
    effect=st.sampled_from(Effect),
)
def test_a_higher_level_never_allows_less(permission: Permission, lower: Level, higher: Level, effect: Effect) -> None:
    order = list(Level)
    if order.index(lower) <= order.index(higher):
        assert may(ANN, permission, lower, effect) <= may(ANN, permission, higher, effect)


@given(permission=st.sampled_from(Permission), level=st.sampled_from(Level))
def test_a_stranger_may_only_what_anybody_may(permission: Permission, level: Level) -> None:
    if level in (Level.DENY, Level.IAM_ONLY):
        assert may(ANN, permission, level) == (permission is Permission.ANY and level is not Level.DENY)
