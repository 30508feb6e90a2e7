"""The real `aws opsworks` in front of a server of one test: a process for each call, as a script's are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services


@dataclass
class Front:
    """What stands between client and server: it notes what is asked, and can fail in the server's place."""

    app: Any = None
    asked: list[str] = field(default_factory=list)
    """The actions, in order; also those that were failed."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Status line and code of the next answers; the server never sees those requests."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.asked.append(environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2])
        if not self.failures:
            return self.app(environ, start_response)
        status, code = self.failures.pop(0)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps({"__type": code, "message": "in the test's place"}).encode()]

    def before(self, app: Any) -> Front:
        self.app = app
        return self


@dataclass
class Aws:
    """`aws("create-stack", "--name", …)`. `root` calls the same server without a wire, to arrange and to look."""

    root: Caller
    front: Front
    environment: dict[str, str]

    def ran(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [os.environ["TOQUE_AWS"], "opsworks", *words],
            capture_output=True,
            text=True,
            env=self.environment | environment,
            timeout=120,
            check=False,
        )

    def __call__(self, *words: str) -> Any:
        """What it prints, as JSON; None for a command that prints nothing."""
        done = self.ran(*words)
        assert done.returncode == 0, f"aws opsworks {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout else None

    def refused(self, *words: str) -> str:
        """The client's last line for a call that the server refuses; v1 ends with 255."""
        done = self.ran(*words)
        assert (done.returncode, done.stdout) == (255, ""), done
        return done.stderr.strip()


@contextmanager
def aws_client(services: Services) -> Iterator[Aws]:
    made = first_administrator(services)
    front = Front()
    with served(services, behind=front.before) as url:
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_OPSWORKS": url,
            "AWS_DEFAULT_REGION": "xx-custom-9",
            "AWS_ACCESS_KEY_ID": made["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": made["secret_access_key"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        yield Aws(Caller(services), front, environment)
