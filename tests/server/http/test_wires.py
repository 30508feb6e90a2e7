"""Both wires from the outside: who is let in, what is answered, what becomes of errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from toque_server.cli.init import first_administrator
from toque_server.operations import registry
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import ThrottlingException, ValidationException
from toque_server.operations.registry import OPERATIONS, OPSWORKS, TOQUE, Permission, Request, Result, operation
from toque_server.store.database import DiskFull
from toque_server.wsgi import MAX_BODY, App, create_app

auth = pytest.importorskip("botocore.auth")
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402


class Break(Request, frozen=True, kw_only=True):
    how: str | None = None
    times: int | None = None
    names: list[str] | None = None


class Broken(Result, frozen=True, kw_only=True):
    caller: str


@pytest.fixture
def app(services: Services) -> Iterator[App]:
    before = dict(registry.load())

    @operation(target=TOQUE, permission=Permission.ANY, changes=False, raises=(ValidationException,))
    def try_to_break(ctx: Context, req: Break) -> Broken:
        """Fail in a chosen way."""
        errors: dict[str, Exception] = {
            "bug": KeyError("secret detail"),
            "full": DiskFull(),
            "away": OperationalError("select", {}, Exception("gone")),
            "slow": ThrottlingException(retry_after=3),
            "invalid": ValidationException("How is wrong", field="How"),
        }
        if req.how:
            raise errors[req.how]
        return Broken(caller=ctx.caller.name)

    made = create_app(services)
    yield made
    OPERATIONS.clear()
    OPERATIONS.update(before)


@pytest.fixture
def secrets(services: Services) -> dict[str, str]:
    return first_administrator(services)


@pytest.fixture
def browser(app: App) -> FlaskClient:
    return app.flask.test_client()


class Wire(NamedTuple):
    status_code: int
    content_type: str
    json: Any
    text: str


def aws(browser: FlaskClient, secrets: dict[str, str], target: str, body: bytes = b"{}", **instead: str) -> Wire:
    headers = {"Host": "localhost", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    request = AWSRequest("POST", "http://localhost/", headers=headers, data=body)
    key = Credentials(instead.get("key", secrets["access_key_id"]), instead.get("secret", secrets["secret_access_key"]))
    auth.SigV4Auth(key, "opsworks", "xx-custom-9").add_auth(request)
    answer = browser.post("/", data=body, headers=list(request.headers.items()))
    return Wire(answer.status_code, answer.content_type, msgspec.json.decode(answer.data), answer.text)


def api(browser: FlaskClient, token: str | None, name: str, body: Any = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return browser.post(f"/api/{name}", json={} if body is None else body, headers=headers)


def test_09_1_a_signed_request_in_any_region_is_answered(browser: FlaskClient, secrets: dict[str, str]) -> None:
    answer = aws(browser, secrets, f"{TOQUE}.TryToBreak")

    assert (answer.status_code, answer.json) == (200, {"Caller": "admin"})
    assert answer.content_type == "application/x-amz-json-1.1"


def test_09_2_a_wrong_secret_is_a_signature_error(browser: FlaskClient, secrets: dict[str, str]) -> None:
    answer = aws(browser, secrets, f"{TOQUE}.TryToBreak", secret="wrong")

    assert (answer.status_code, answer.json["__type"]) == (400, "InvalidSignatureException")


def test_an_unknown_key_is_refused(browser: FlaskClient, secrets: dict[str, str]) -> None:
    answer = aws(browser, secrets, f"{TOQUE}.TryToBreak", key="AKTQNOBODY")

    assert (answer.status_code, answer.json["__type"]) == (400, "UnrecognizedClientException")


@pytest.mark.parametrize("target", ["OpsWorks_20130218.Nonsense", "OpsWorks_20130218.TryToBreak", "Nonsense", ""])
def test_09_4_an_unknown_target_says_so(browser: FlaskClient, secrets: dict[str, str], target: str) -> None:
    answer = aws(browser, secrets, target)

    # Without a target there is nothing to sign, and the request is not of the shape.
    expected = (
        {"UnknownOperationException"} if target else {"UnknownOperationException", "IncompleteSignatureException"}
    )
    assert answer.status_code == 400
    assert answer.json["__type"] in expected


@pytest.mark.parametrize(
    ("how", "aws_status", "api_status", "code"),
    [
        ("invalid", 400, 400, "ValidationException"),
        ("slow", 400, 429, "ThrottlingException"),
        ("full", 507, 507, "InsufficientStorage"),
        ("away", 503, 503, "ServiceUnavailable"),
        ("bug", 500, 500, "InternalFailure"),
    ],
)
def test_each_error_has_its_number_on_each_wire(
    browser: FlaskClient, secrets: dict[str, str], how: str, aws_status: int, api_status: int, code: str
) -> None:
    body = msgspec.json.encode({"How": how})

    by_aws = aws(browser, secrets, f"{TOQUE}.TryToBreak", body)
    by_token = api(browser, secrets["api_token"], "TryToBreak", {"How": how})

    assert (by_aws.status_code, by_aws.json["__type"]) == (aws_status, code)
    assert (by_token.status_code, by_token.json["code"]) == (api_status, code)
    assert "secret detail" not in by_aws.text + by_token.text
    assert "Traceback" not in by_aws.text + by_token.text


def test_a_problem_names_the_member_and_the_wait(browser: FlaskClient, secrets: dict[str, str]) -> None:
    wrong = api(browser, secrets["api_token"], "TryToBreak", {"Hoe": "x"})
    slow = api(browser, secrets["api_token"], "TryToBreak", {"How": "slow"})

    assert (wrong.json["field"], wrong.json["detail"]) == ("Hoe", "Break has no Hoe (did you mean How?)")
    assert slow.headers["Retry-After"] == "3"


@pytest.mark.parametrize("token", [None, "", "tqa_wrong", "x" * 5000])
def test_nobody_gets_in_without_a_token(browser: FlaskClient, secrets: dict[str, str], token: str | None) -> None:
    answer = api(browser, token, "TryToBreak")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused(app: App, services: Services, secrets: dict[str, str]) -> None:
    from toque_server.security.tokens import digest_of
    from toque_server.store import api_tokens

    with services.database.write() as conn:
        past = datetime(2020, 1, 1, tzinfo=UTC)
        arn = f"arn:aws:iam::{services.keys.account_id}:root"
        api_tokens.add(conn, digest=digest_of("tqa_old"), user_arn=arn, label="", at=past, expires_at=past)

    assert api(app.flask.test_client(), "tqa_old", "TryToBreak").status_code == 401


def test_a_body_that_is_no_json_is_named(browser: FlaskClient, secrets: dict[str, str]) -> None:
    answer = aws(browser, secrets, f"{TOQUE}.TryToBreak", b"{")

    assert (answer.status_code, answer.json["__type"]) == (400, "ValidationException")
    assert "not JSON" in answer.json["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 100_000, "nested deeper than 100 levels"),
        (b'{"How":' * 101 + b"1" + b"}" * 101, "nested deeper than 100 levels"),
        (b'{"How": "\xff"}', "not JSON"),
        (b'{"\xff": "bug"}', "not JSON"),
        (b'{"How": "a\\u0000b"}', "How may not contain NUL"),
        (b'{"Times": 9223372036854775808}', "Times is out of range"),
        (b'{"Names": ["a", null]}', "Names[1] may not be null"),
        (b'{"Names": ["", "a"]}', "Names[0] may not be empty"),
    ],
    ids=["brackets", "objects", "value-no-utf8", "name-no-utf8", "nul", "65-bits", "null-in-a-list", "empty-in-a-list"],
)
def test_a_body_that_no_reader_takes_is_a_refusal_on_both_wires(
    browser: FlaskClient, secrets: dict[str, str], body: bytes, said: str
) -> None:
    by_aws = aws(browser, secrets, f"{TOQUE}.TryToBreak", body)
    headers = {"Authorization": f"Bearer {secrets['api_token']}", "Content-Type": "application/json"}
    by_token = browser.post("/api/TryToBreak", data=body, headers=headers)

    assert (by_aws.status_code, by_aws.json["__type"]) == (400, "ValidationException")
    assert (by_token.status_code, by_token.json["code"]) == (400, "ValidationException")
    assert said in by_aws.json["message"]
    assert said in by_token.json["detail"]


def test_a_body_that_is_too_long_is_refused_and_says_what_fits(browser: FlaskClient, secrets: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {secrets['api_token']}", "Content-Type": "application/json"}
    by_aws = aws(browser, secrets, f"{TOQUE}.TryToBreak", b" " * (MAX_BODY + 1))
    by_token = browser.post("/api/TryToBreak", data=b" " * (MAX_BODY + 1), headers=headers)

    assert (by_aws.status_code, by_aws.json["__type"]) == (413, "RequestEntityTooLarge")
    assert (by_token.status_code, by_token.json["code"]) == (413, "RequestEntityTooLarge")
    assert "4 MiB" in by_token.json["detail"]


def test_a_refusal_does_not_send_back_what_was_sent(browser: FlaskClient, secrets: dict[str, str]) -> None:
    body = msgspec.json.encode({"StackIds": ["x" * 1_000_000]})

    answer = aws(browser, secrets, f"{OPSWORKS}.DescribeStacks", body)

    assert answer.json["__type"] == "ResourceNotFoundException"
    assert answer.json["message"].startswith("Unable to find stack with ID xxx")
    assert len(answer.json["message"]) == 1000


def test_the_openapi_document_has_every_operation_and_is_valid(browser: FlaskClient) -> None:
    validator = pytest.importorskip("openapi_spec_validator")

    document = browser.get("/api/openapi.json").json

    assert set(document["paths"]) == {f"/api/{name}" for name in registry.load()}
    validator.validate(document)


def test_R26_a_server_that_is_stopping_is_not_ready_and_still_answers(
    app: App, browser: FlaskClient, secrets: dict[str, str]
) -> None:
    assert browser.get("/readyz").status_code == 200

    app.drain()

    assert browser.get("/readyz").status_code == 503
    assert browser.get("/healthz").status_code == 200
    assert api(browser, secrets["api_token"], "TryToBreak").status_code == 200


def test_metrics_count_what_was_asked_and_are_not_for_strangers(browser: FlaskClient, secrets: dict[str, str]) -> None:
    api(browser, secrets["api_token"], "TryToBreak")

    here = browser.get("/metrics")
    elsewhere = browser.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"})

    assert 'operation="TryToBreak",status="200",wire="api"' in here.text
    assert "toque_stacks 0.0" in here.text
    assert elsewhere.status_code == 401


def test_a_caller_who_asks_too_much_is_throttled_alone() -> None:
    from toque_server.http.throttle import Throttle

    now = [0.0]
    throttle = Throttle(rate=1, burst=2, clock=lambda: now[0])
    throttle.take("ann")
    throttle.take("ann")

    with pytest.raises(ThrottlingException):
        throttle.take("ann")
    throttle.take("bob")
    now[0] = 1.0
    throttle.take("ann")
