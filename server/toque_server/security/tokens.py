"""Tokens and access keys: long random texts that stand for a user. The database holds their hashes only.

Access keys are the exception: SigV4 needs the secret itself, so it is kept sealed (S12).
"""

from __future__ import annotations

import base64
import hashlib
import secrets

API_TOKEN = "tqa_"
"""How an API token begins, so that one in a log or a repository can be found."""


def new_api_token() -> str:
    """256 random bits."""
    return API_TOKEN + secrets.token_urlsafe(32)


def new_session_id() -> str:
    return secrets.token_urlsafe(32)


def new_access_key() -> tuple[str, str]:
    """An access key id of 20 and a secret of 40 characters: the form that AWS clients and their checkers expect."""
    key_id = "AKTQ" + base64.b32encode(secrets.token_bytes(10)).decode()
    return key_id, base64.b64encode(secrets.token_bytes(30)).decode()


def digest_of(token: str) -> str:
    """What stands in the database. A plain hash is enough for a text nobody can guess."""
    return hashlib.sha256(token.encode()).hexdigest()
