"""Both JSON wires of a server without sockets, for the benchmarks that measure the API.

wires = Wires(services)
wires.bearer("DescribeStacks")["Stacks"]
request = wires.signed("DescribeStacks")        # made once,
wires.answered(request)["Stacks"]               # sent as often as wanted
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.test import EnvironBuilder, run_wsgi_app

from toque_server import wsgi
from toque_server.cli.init import first_administrator
from toque_server.http.throttle import Throttle
from toque_server.operations.context import Services
from toque_server.operations.registry import OPERATIONS


@dataclass(frozen=True)
class Call:
    """One request, to be sent as often as wanted."""

    environ: dict[str, Any]
    body: bytes

    @classmethod
    def of(cls, path: str, headers: dict[str, str], body: bytes) -> Call:
        return cls(EnvironBuilder(path, method="POST", headers=headers, data=body).get_environ(), body)


class Wires:
    """A server on an installation that has no administrator yet; nobody is throttled."""

    def __init__(self, services: Services) -> None:
        before = wsgi.Throttle
        wsgi.Throttle = partial(Throttle, rate=1e9, burst=1e9)  # type: ignore[assignment, misc]
        self._app = wsgi.create_app(services)
        wsgi.Throttle = before  # type: ignore[misc]
        self._secrets = first_administrator(services)

    def bearer(self, operation: str, /, **members: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._secrets['api_token']}", "Content-Type": "application/json"}
        body = msgspec.json.encode(members)
        return self.answered(Call.of(f"/api/{operation}", headers, body))

    def signed(self, operation: str, /, **members: Any) -> Call:
        body = msgspec.json.encode(members)
        target = f"{OPERATIONS[operation].target}.{operation}"
        headers = {"Host": "localhost", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        request = AWSRequest("POST", "http://localhost/", headers=headers, data=body)
        key = Credentials(self._secrets["access_key_id"], self._secrets["secret_access_key"])
        SigV4Auth(key, "opsworks", "us-east-1").add_auth(request)
        return Call.of("/", dict(request.headers.items()), body)

    def answered(self, call: Call) -> Any:
        """What the server says to it. Ends the benchmark when that is a refusal."""
        body, status, _ = run_wsgi_app(self._app, {**call.environ, "wsgi.input": BytesIO(call.body)}, buffered=True)
        said = b"".join(body)
        if not status.startswith("200"):
            raise SystemExit(f"refused with {status}: {said[:500].decode()}")
        return msgspec.json.decode(said)
