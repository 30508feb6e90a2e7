"""Signing in to the console: one's own password, and where one is signed in (S16, S23)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
)
from toque_server.operations.paging import Paged, newest_first, page
from toque_server.operations.registry import TOQUE, Nothing, Permission, Request, Result, operation
from toque_server.operations.users import hashed
from toque_server.security.passwords import verify_password
from toque_server.store import audit, sessions, users

_RAISES = (ValidationException, ResourceNotFoundException)
_ATTEMPTS: Final = 5
_WITHIN: Final = timedelta(minutes=15)


class CallerDescribed(Result, frozen=True, kw_only=True):
    """`administrator`: may do everything that no policy and no level denies. `self_management`: may change his profile.
    `has_password`: can sign in to the console."""

    user_arn: str
    name: str
    account_id: str
    administrator: bool
    self_management: bool
    has_password: bool


class ChangePassword(Request, frozen=True, kw_only=True):
    current_password: str
    new_password: str


class DescribeSessions(Paged, frozen=True, kw_only=True):
    """One's own, or, for administrators, those of `user_arn`; at most 1,000 on a page."""

    largest: ClassVar[int] = 1000

    user_arn: str | None = None


class SessionView(Result, frozen=True, kw_only=True):
    session_id: str
    created_at: datetime
    last_seen_at: datetime


class SessionsDescribed(Result, frozen=True, kw_only=True):
    sessions: list[SessionView]
    next_token: str | None


class EndSessions(Request, frozen=True, kw_only=True):
    """One's own, or, by administrators, those of `user_arn`. `session_id`: only this one."""

    user_arn: str | None = None
    session_id: str | None = None


class SessionsEnded(Result, frozen=True, kw_only=True):
    sessions_ended: int


@operation(permission=Permission.ANY, target=TOQUE)
def describe_caller(ctx: Context, req: Nothing) -> CallerDescribed:
    """Describe who asks, as the server knows him by his key, token or session."""
    caller = ctx.caller
    return CallerDescribed(
        user_arn=caller.arn,
        name=caller.name,
        account_id=ctx.account_id,
        administrator=caller.sees_all,
        self_management=caller.self_management,
        has_password=caller.arn in users.with_password(ctx.conn),
    )


@operation(permission=Permission.ANY, target=TOQUE, raises=(*_RAISES, ThrottlingException))
def change_password(ctx: Context, req: ChangePassword) -> None:
    """Change one's own password for the console, and be signed out everywhere.

    Whoever has none, or has forgotten it, asks an administrator, who sets one with UpdateUser. After five wrong
    attempts in a quarter of an hour there is a wait.
    """
    _not_too_often(ctx)
    stored = users.password_of(ctx.conn, ctx.caller.name)
    if users.get(ctx.conn, ctx.caller.arn) is None or stored is None:
        raise ValidationException(
            "you have no password: please ask an administrator to set one with UpdateUser", field="CurrentPassword"
        )
    new = hashed(req.new_password, "NewPassword")
    if not verify_password(req.current_password, stored):
        raise AccessDeniedException(ctx.caller.arn, "ChangePassword", reason="CurrentPassword is wrong")
    users.set_password(ctx.conn, ctx.caller.arn, new)
    sessions.remove_of(ctx.conn, ctx.caller.arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def describe_sessions(ctx: Context, req: DescribeSessions) -> SessionsDescribed:
    """Describe where a user is signed in to the console, the newest first."""
    limits = ctx.settings.session
    arn = finding.whose(ctx, "DescribeSessions", req.user_arn)
    found = sessions.of_user(ctx.conn, arn, ctx.now, idle=limits.idle, absolute=limits.absolute)
    shown, token = page(ctx, req, found, key=lambda each: newest_first(each.created_at, each.id))
    return SessionsDescribed(
        sessions=[
            SessionView(session_id=each.id, created_at=each.created_at, last_seen_at=each.seen_at) for each in shown
        ],
        next_token=token,
    )


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def end_sessions(ctx: Context, req: EndSessions) -> SessionsEnded:
    """Sign a user out of the console: everywhere, or in one session. His keys and tokens stay."""
    arn = finding.whose(ctx, "EndSessions", req.user_arn)
    count = sessions.remove_of(ctx.conn, arn, session_id=req.session_id)
    if count == 0 and req.session_id is not None:
        raise ResourceNotFoundException(f"Unable to find session {req.session_id} of {arn}")
    return SessionsEnded(sessions_ended=count)


def _not_too_often(ctx: Context) -> None:
    """Wrong attempts are refusals, and refusals stand in the audit."""
    wrong = audit.Wanted(user_arn=ctx.caller.arn, action="ChangePassword", since=ctx.now - _WITHIN, denied_only=True)
    found = audit.listed(ctx.conn, wrong, limit=_ATTEMPTS)
    if len(found) == _ATTEMPTS:
        wait = max(1, round((found[-1].entry.at + _WITHIN - ctx.now).total_seconds()))
        raise ThrottlingException(f"too many wrong attempts: please wait {wait} s and try again", retry_after=wait)
