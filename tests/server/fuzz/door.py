"""A server without sockets, asked with bytes: what is no request can be asked too."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
import pytest
from werkzeug.test import Client

from toque_server import wsgi
from toque_server.cli.init import first_administrator
from toque_server.http.throttle import Throttle
from toque_server.operations.context import Services
from toque_server.operations.registry import OPERATIONS

auth = pytest.importorskip("botocore.auth")
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

AMZ_JSON: Final = "application/x-amz-json-1.1"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What came back, and what the server wrote into its log meanwhile."""

    status: int
    content_type: str
    body: bytes
    logged: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Door:
    """The three wires of one server, as its first administrator uses them. No limit of requests a second."""

    services: Services
    secrets: Mapping[str, str]
    client: Client
    _log: _Written = field(default_factory=lambda: _Written())

    def aws(self, target: str, body: bytes, content_type: str = AMZ_JSON) -> Answer:
        """A signed `POST /`."""
        headers = {"Host": "localhost", "X-Amz-Target": target, "Content-Type": content_type}
        return self._signed(headers, body, "opsworks")

    def iam(self, body: bytes, content_type: str = FORM) -> Answer:
        """A signed form of the query protocol."""
        return self._signed({"Host": "localhost", "Content-Type": content_type}, body, "iam")

    def api(self, name: str, body: bytes, content_type: str = JSON) -> Answer:
        """`POST /api/<name>` with a token."""
        token = self.secrets["api_token"]
        return self.send(f"/api/{name}", {"Authorization": f"Bearer {token}", "Content-Type": content_type}, body)

    def __call__(self, name: str, /, **members: Any) -> Answer:
        """An ordinary call of an operation."""
        return self.aws(f"{OPERATIONS[name].target}.{name}", msgspec.json.encode(members))

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self._log.lines.clear()
        logging.getLogger().addHandler(self._log)
        try:
            answer = self.client.post(path, data=body, headers=list(headers.items()))
        finally:
            logging.getLogger().removeHandler(self._log)
        return Answer(answer.status_code, answer.content_type or "", answer.data, tuple(self._log.lines))

    def _signed(self, headers: Mapping[str, str], body: bytes, service: str) -> Answer:
        request = AWSRequest("POST", "http://localhost/", headers=dict(headers), data=body)
        key = Credentials(self.secrets["access_key_id"], self.secrets["secret_access_key"])
        auth.SigV4Auth(key, service, "xx-custom-9").add_auth(request)
        return self.send("/", dict(request.headers.items()), body)


class _Written(logging.Handler):
    """Keeps what a server writes into its log, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def opened(services: Services) -> Door:
    """A server on these services, whose database has no administrator yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wsgi, "Throttle", partial(Throttle, rate=1e9, burst=1e9))
        app = wsgi.create_app(services)
    door = Door(services, first_administrator(services), Client(app))
    # A key and a token are noted as used with their first use, and then not for a while.
    for answer in (door("DescribeStacks"), door.api("DescribeStacks", b"{}")):
        assert answer.status == 200
    return door
