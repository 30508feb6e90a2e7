"""Who is calling: by password, session, API token or access key (chapter 10, S16, S17, S23).

Answers do not tell an unknown name from a wrong password, neither in words nor in time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from toque_server.domain import registration_identity
from toque_server.domain.permission import Principal
from toque_server.domain.user import User
from toque_server.operations.context import Services
from toque_server.operations.errors import NotAuthenticated, ThrottlingException
from toque_server.security.passwords import hash_password, verify_password
from toque_server.security.tokens import digest_of, new_session_id
from toque_server.store import access_keys, api_tokens, attempts, registrations, sessions, users
from toque_server.store.sessions import Session as Session

# An address may be a whole office behind one router, so it gets more room than one account.
_FREE_PER_ADDRESS = 50
# When something was last used is worth a write a minute, not one per request.
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class KeyHolder:
    """The owner of an access key. `stale`: the note of its last use is old enough to be renewed."""

    principal: Principal
    secret: str = field(repr=False)
    stale: bool


def principal_of(user: User) -> Principal:
    """A user, as decisions about permission see him."""
    manages_self = user.profile is not None and user.profile.allow_self_management
    return Principal(arn=user.arn, name=user.name, administrator=user.administrator, self_management=manages_self)


def sign_in(services: Services, name: str, password: str, *, address: str) -> tuple[str, Session]:
    """Open a console session: its id, for the cookie, and the session. Raises NotAuthenticated, ThrottlingException."""
    _not_blocked(services, name, address)
    with services.database.read() as conn:
        stored = users.password_of(conn, name)
    # Outside any transaction: this takes a tenth of a second on purpose.
    right = verify_password(password, stored)
    with services.database.write() as conn:
        now = services.database.now(conn)
        user = users.by_name(conn, name)
        if not right or user is None or users.password_of(conn, name) != stored:
            attempts.failed(conn, [_account(name)], now)
            attempts.failed(conn, [_address(address)], now, free=_FREE_PER_ADDRESS)
        else:
            attempts.succeeded(conn, [_account(name)])
            return _open_session(services, user)
    raise NotAuthenticated("NotAuthenticated", "the name or the password is wrong")


def change_password(services: Services, user_arn: str, password: str) -> None:
    """Set a password, and sign the user out everywhere. The caller has checked its strength and his right."""
    stored = hash_password(password)
    with services.database.write() as conn:
        users.set_password(conn, user_arn, stored)
        sessions.remove_of(conn, user_arn)


def session_of(services: Services, session_id: str, *, keep_alive: bool = True) -> Session:
    """The session of a cookie. Raises NotAuthenticated.

    Being asked for keeps it alive, unless nobody is there who asks: an open page that follows what happens.
    """
    digest, limits = digest_of(session_id), services.settings.session
    with services.database.read() as conn:
        now = services.database.now(conn)
        found = sessions.find(conn, digest, now, idle=limits.idle, absolute=limits.absolute)
    if found is None:
        raise NotAuthenticated("NotAuthenticated", "the session is over: please sign in again")
    if keep_alive and now - found.seen_at > _USED_EVERY:
        with services.database.write() as conn:
            sessions.seen(conn, digest, now)
    return found


def sign_out(services: Services, session_id: str) -> None:
    with services.database.write() as conn:
        sessions.remove(conn, digest_of(session_id))


def by_api_token(services: Services, token: str) -> Principal:
    """Whose token it is. Raises NotAuthenticated."""
    digest = digest_of(token)
    with services.database.read() as conn:
        now = services.database.now(conn)
        found = api_tokens.find(conn, digest, now)
    if found is None:
        raise NotAuthenticated("NotAuthenticated", "the API token is unknown, or has expired")
    user, last_used_at = found
    if _is_stale(last_used_at, now):
        with services.database.write() as conn:
            api_tokens.used(conn, digest, now)
    return principal_of(user)


def by_access_key(services: Services, access_key_id: str) -> KeyHolder | None:
    """Whose key it is, and its secret to check the signature with; None if there is none."""
    with services.database.read() as conn:
        now = services.database.now(conn)
        found = access_keys.find(conn, services.vault, access_key_id)
        if found is None:
            return _registration(services, conn, access_key_id, now)
    user, secret, last_used_at = found
    return KeyHolder(principal_of(user), secret, _is_stale(last_used_at, now))


def _registration(services: Services, conn: Connection, access_key_id: str, now: datetime) -> KeyHolder | None:
    found = registrations.by_access_key(conn, services.vault, access_key_id, now)
    if found is None or found[0].stack_id is None:
        return None
    identity, secret = found
    arn = registration_identity.arn(services.keys.account_id, "user", identity.name)
    return KeyHolder(Principal(arn=arn, name=identity.name, registers=identity.stack_id), secret, stale=False)


def note_use_of_key(services: Services, access_key_id: str) -> None:
    """Note that a request with this key was genuine."""
    with services.database.write() as conn:
        access_keys.used(conn, access_key_id, services.database.now(conn))


def _open_session(services: Services, user: User) -> tuple[str, Session]:
    session_id, csrf = new_session_id(), secrets.token_urlsafe(32)
    with services.database.write() as conn:
        now = services.database.now(conn)
        sessions.sweep(conn, now, idle=services.settings.session.idle, absolute=services.settings.session.absolute)
        sessions.add(conn, digest=digest_of(session_id), user_arn=user.arn, csrf=csrf, at=now)
    return session_id, Session(user=user, csrf=csrf, created_at=now, seen_at=now)


def _not_blocked(services: Services, name: str, address: str) -> None:
    with services.database.read() as conn:
        now = services.database.now(conn)
        until = attempts.blocked_until(conn, [_account(name), _address(address)], now)
    if until is not None:
        wait = max(1, round((until - now).total_seconds()))
        raise ThrottlingException(f"too many failed attempts: please wait {wait} s and try again", retry_after=wait)


def _account(name: str) -> str:
    # Hashed: a name can be as long as its sender likes, and people type passwords there.
    return f"user:{digest_of(name)}"


def _address(address: str) -> str:
    return f"address:{address}"


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at > _USED_EVERY
