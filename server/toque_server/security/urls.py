"""Addresses that carry their own permission for an hour: the log of a command (E-17).

<public url>/logs/<command id>?expires=<seconds>&signature=<base64url>
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature

from toque_server.security.keys import ServerKeys

LOG_PATH: Final = "/logs/"
VALID_FOR: Final = timedelta(hours=1)


def sign_log_url(keys: ServerKeys, public_url: str, command_id: str, now: datetime) -> str:
    """The address of a command's log, good for whoever has it until an hour from `now`."""
    expires = int((now + VALID_FOR).timestamp())
    signature = urlsafe_b64encode(keys.online.sign(_text(keys, command_id, expires))).rstrip(b"=").decode()
    return f"{public_url.rstrip('/')}{LOG_PATH}{quote(command_id, safe='')}?expires={expires}&signature={signature}"


def is_good_log_url(keys: ServerKeys, command_id: str, expires: str, signature: str, now: datetime) -> bool:
    """Whether these parts of an address are what `sign_log_url` wrote, and its hour is not over."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12) or int(expires) < now.timestamp():
        return False
    try:
        raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        keys.online.public_key().verify(raw, _text(keys, command_id, int(expires)))
    except (InvalidSignature, Error, ValueError):
        return False
    return True


def _text(keys: ServerKeys, command_id: str, expires: int) -> bytes:
    # A prefix that no other thing we sign begins with.
    return b"\n".join((b"toque/1 log-url", keys.installation_id.encode(), command_id.encode(), str(expires).encode()))
