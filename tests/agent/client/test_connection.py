"""One call over real HTTP, to servers that fail in every way a server can."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from toque.client import BadAnswer, Client, Connection, Retries, ServerFailed, ThrottlingException, Unreachable
from toque.client.errors import NoCredentials
from toque_server.security import tls

OPSWORKS = "OpsWorks_20130218"


class Moody(ThreadingHTTPServer):
    """Answers with what `moods` says, one after the other, and then with 200; `None` breaks the connection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.moods: list[tuple[int, Any] | None] = []
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Moody

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        mood = self.server.moods.pop(0) if self.server.moods else (200, {"StackId": "s"})
        if mood is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, said = mood
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if status == 429:
            self.send_header("retry-after", "2")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def moody() -> Iterator[Moody]:
    server = Moody()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def connected(moody: Moody, pauses: list[float] | None = None) -> Connection:
    waited: list[float] = [] if pauses is None else pauses
    return Connection(moody.url, api_token="t", retries=Retries(attempts=4, base=0.01), pause=waited.append)


FAILURES: list[tuple[int, Any] | None] = [(500, {"code": "InternalFailure", "detail": "oh"}), (502, b"<html>"), None]


def test_09_32_what_only_reads_is_asked_again_until_it_is_answered(moody: Moody) -> None:
    moody.moods, pauses = list(FAILURES), list[float]()

    assert connected(moody, pauses).call("DescribeStacks", OPSWORKS, {}, reads=True) == {"StackId": "s"}
    assert (len(moody.asked), len(pauses)) == (4, 3)


@pytest.mark.parametrize("failure", FAILURES, ids=["500", "502 without JSON", "broken off"])
def test_09_32_what_may_have_changed_something_is_not_done_again(moody: Moody, failure: tuple[int, Any] | None) -> None:
    moody.moods = [failure]

    with pytest.raises(ServerFailed if failure else Unreachable):
        connected(moody).call("CreateStack", OPSWORKS, {}, reads=False)
    assert len(moody.asked) == 1


def test_09_32_what_was_too_much_at_once_is_done_once_when_its_time_has_come(moody: Moody) -> None:
    moody.moods, pauses = [(429, {"code": "ThrottlingException", "detail": "Rate exceeded"})], list[float]()

    assert Client.over(connected(moody, pauses)).clone_stack(source_stack_id="s", service_role_arn="r").stack_id == "s"
    assert pauses == [2.0]


def test_in_the_end_the_error_is_that_of_the_last_attempt(moody: Moody) -> None:
    moody.moods = [(400, {"__type": "ThrottlingException", "message": "slowly"})] * 9

    with pytest.raises(ThrottlingException, match="slowly"):
        connected(moody).call("DescribeStacks", OPSWORKS, {}, reads=True)
    assert len(moody.asked) == 4


@pytest.mark.parametrize(("status", "said"), [(200, b"hello"), (200, b"[1]"), (301, b""), (404, b"<html>")])
def test_what_is_no_toque_server_is_said_to_be_none(moody: Moody, status: int, said: bytes) -> None:
    moody.moods = [(status, said)]
    client = Client.over(connected(moody))

    with pytest.raises(BadAnswer):
        client.describe_stacks()


def test_an_answer_of_another_shape_is_an_error_and_what_is_new_in_it_is_not(moody: Moody) -> None:
    client = Client.over(connected(moody))
    moody.moods = [(200, {"StackId": 3}), (200, {"StackId": "s", "New": 1})]

    with pytest.raises(BadAnswer, match="CloneStack"):
        client.clone_stack(source_stack_id="s", service_role_arn="r")
    assert client.clone_stack(source_stack_id="s", service_role_arn="r").stack_id == "s"


def test_secrets_go_to_the_server_and_nowhere_else(
    moody: Moody, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    told: list[str] = []
    connection = Connection(moody.url, access_key_id="AKIA", secret_access_key="very-secret", say=told.append)

    connection.call("DescribeStacks", OPSWORKS, {}, reads=True)

    assert moody.asked[0]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert moody.asked[0]["x-amz-target"] == f"{OPSWORKS}.DescribeStacks"
    assert "very-secret" not in "".join([repr(connection), *told, *moody.asked[0].values()])


def test_nobody_is_named_before_anything_is_sent(moody: Moody) -> None:
    with pytest.raises(NoCredentials, match="TOQUE_API_TOKEN"):
        Connection(moody.url).call("DescribeStacks", OPSWORKS, {}, reads=True)
    assert moody.asked == []


def test_an_address_that_is_none_is_not_tried_again() -> None:
    tried: list[float] = []

    with pytest.raises(Unreachable, match="TOQUE_SERVER_URL"):
        Connection("nonsense", api_token="t", pause=tried.append).call("DescribeStacks", OPSWORKS, {}, reads=True)
    assert tried == []


def test_a_certificate_of_our_own_authority_is_trusted_when_it_is_named_and_only_then(
    moody: Moody, tmp_path: Path
) -> None:
    made = tls.make(tmp_path, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    moody.socket = context.wrap_socket(moody.socket, server_side=True)
    url = moody.url.replace("http:", "https:")

    trusted = Client(url, api_token="t", ca_file=str(made.ca))

    assert trusted.clone_stack(source_stack_id="s", service_role_arn="r").stack_id == "s"
    with pytest.raises(Unreachable, match="TOQUE_CA_FILE"):
        Client(url, api_token="t").describe_stacks()
    assert len(moody.asked) == 1
