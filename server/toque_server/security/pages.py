"""Page tokens: where a list goes on, in a text that only this installation's servers can write (chapter 09 § 9).

A token is good for an hour, and for the one question that it was an answer to. It holds nothing that its reader has
not seen: the key of the last record of his page.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime, timedelta
from typing import Final

from toque.protocol.canonical import canonical
from toque_server.security.keys import ServerKeys

VALID_FOR: Final = timedelta(hours=1)
_MAC: Final = 32
_LONGEST: Final = 4096


class BadPage(ValueError):
    """The token is not one of ours, belongs to another question, or its hour is over; the message says what to do."""


def sign_page(keys: ServerKeys, question: str, position: str, now: datetime) -> str:
    """A token for the page after the record of key `position`, in the answer to `question`.

    token = sign_page(keys, 'DescribeEcsClusters {"StackId":"s-1"}', "arn:aws:ecs:…:cluster/c1", now)
    """
    text = f"{int((now + VALID_FOR).timestamp())} {position}".encode()
    return _text(_mac(keys, question, text) + text)


def read_page(keys: ServerKeys, question: str, token: str, now: datetime) -> str:
    """The position that `sign_page` was given for this question. Raises BadPage."""
    raw = _bytes(token)
    mac, text = raw[:_MAC], raw[_MAC:]
    if not hmac.compare_digest(mac, _mac(keys, question, text)):
        raise BadPage(
            "NextToken is not one that this server gave for this request: please begin again without it, and send"
            " the token of the page before unchanged"
        )
    expires, _, position = text.decode().partition(" ")
    if int(expires) < now.timestamp():
        raise BadPage("NextToken is more than an hour old: please begin again without it")
    return position


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    """What `_text` made a token of; nothing for any other text."""
    if len(token) > _LONGEST:
        return b""
    try:
        raw = b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (Error, ValueError):
        return b""
    return raw if _text(raw) == token else b""


def _mac(keys: ServerKeys, question: str, text: bytes) -> bytes:
    return hmac.digest(keys.derive("pages"), canonical([question]) + text, "sha256")
