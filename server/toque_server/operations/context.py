"""What an operation gets besides its request: who calls, the transaction, the time, and the server's own things."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from toque_server.domain.permission import Principal
from toque_server.operations.refused_calls import RefusedCalls
from toque_server.security.envelope import Vault
from toque_server.security.keys import ServerKeys
from toque_server.settings import Settings
from toque_server.store.database import Database


def new_id() -> str:
    """An id as OpsWorks made them: a random UUID in lower case."""
    return str(uuid.uuid4())


def _nothing() -> None:
    """No one to wake."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the server is made of, once per process; `wsgi.create_services` joins them.

    `wake` tells the loops that there may be work now; it may be called anywhere, and does nothing but shorten a wait.
    """

    database: Database
    settings: Settings
    vault: Vault
    keys: ServerKeys
    new_id: Callable[[], str] = new_id
    wake: Callable[[], None] = _nothing
    refused_calls: RefusedCalls = field(default_factory=RefusedCalls)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One call. Outside `call()` it has no transaction yet: `conn` and `now` raise until then.

    `address` is where the request came from, for policies and the audit; empty for calls within the process. `secure`:
    it came over https. `access_key_id` signed it, if one did, and `request_id` is what the caller was told it is.
    """

    caller: Principal
    services: Services
    address: str = ""
    secure: bool = True
    access_key_id: str = ""
    request_id: str = ""
    transaction: Connection | None = field(default=None, repr=False)
    at: datetime | None = None

    @property
    def conn(self) -> Connection:
        if self.transaction is None:
            raise RuntimeError("this context is not in a transaction: operations are run by call(), tests use within()")
        return self.transaction

    @property
    def now(self) -> datetime:
        """The time of this call: read once, when its transaction began."""
        if self.at is None:
            raise RuntimeError("this context is not in a transaction: operations are run by call(), tests use within()")
        return self.at

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def vault(self) -> Vault:
        return self.services.vault

    @property
    def account_id(self) -> str:
        return self.services.keys.account_id

    def new_id(self) -> str:
        return self.services.new_id()

    def within(self, conn: Connection) -> Context:
        """The same call inside a transaction."""
        return replace(self, transaction=conn, at=self.services.database.now(conn))
