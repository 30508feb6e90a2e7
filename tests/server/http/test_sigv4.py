"""Our own lines against botocore's: what it signs is accepted, what is changed afterwards is not (S17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.http import sigv4
from toque_server.http.sigv4 import BadSignatureV4

auth = pytest.importorskip("botocore.auth")
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

KEY, SECRET = "AKTQEXAMPLE", "secret/of+forty"
Headers = list[tuple[str, str]]


def signed(body: bytes = b"{}", *, region: str = "xx-custom-9", service: str = "opsworks") -> Headers:
    """The headers of a request as AWS clients of today make it."""
    headers = {
        "Host": "toque.example:8780",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "OpsWorks_20130218.DescribeStacks",
    }
    request = AWSRequest("POST", "http://toque.example:8780/", headers=headers, data=body)
    auth.SigV4Auth(Credentials(KEY, SECRET), service, region).add_auth(request)
    return list(request.headers.items())


def check(
    headers: Headers, body: bytes = b"{}", *, query: str = "", path: str = "/", late: timedelta = timedelta()
) -> str:
    claim = sigv4.parse(method="POST", path=path, query=query, headers=headers, now=datetime.now(UTC) + late)
    sigv4.verify(claim, body, SECRET)
    return claim.access_key_id


def changed(name: str, value: Callable[[str], str]) -> Headers:
    return [(key, value(old) if key.lower() == name.lower() else old) for key, old in signed()]


@given(body=st.binary(max_size=200), region=st.from_regex(r"\A[a-z]{2}-[a-z]{1,10}-[0-9]\Z"))
def test_what_botocore_signs_is_accepted_in_any_region(body: bytes, region: str) -> None:
    assert check(signed(body, region=region), body) == KEY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Amz-Target", lambda _: "OpsWorks_20130218.DeleteStack"),
        ("Host", lambda _: "other.example"),
        ("Content-Type", lambda _: "text/plain"),
        ("Authorization", lambda old: old.replace("xx-custom-9", "us-east-1")),
        ("Authorization", lambda old: old[:-1] + ("0" if old[-1] != "0" else "1")),
    ],
)
def test_S17_whatever_is_changed_after_signing_is_refused(name: str, value: Callable[[str], str]) -> None:
    with pytest.raises(BadSignatureV4, match="does not match"):
        check(changed(name, value))


def test_S17_another_body_is_refused() -> None:
    with pytest.raises(BadSignatureV4, match="does not match"):
        check(signed(b"{}"), b'{"StackId": "s"}')


def test_S17_a_body_that_is_not_its_hash_is_refused() -> None:
    with pytest.raises(BadSignatureV4, match="does not match x-amz-content-sha256"):
        check([*signed(), ("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")])


def test_S17_another_service_is_refused() -> None:
    with pytest.raises(BadSignatureV4, match="correct service: opsworks"):
        check(signed(service="ec2"))


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=5), timedelta(minutes=-5, seconds=-5)])
def test_S17_more_than_five_minutes_off_is_refused(late: timedelta) -> None:
    check(signed(), late=late * 0.9)
    with pytest.raises(BadSignatureV4, match="more than 5 minutes"):
        check(signed(), late=late)


def test_S17_a_date_that_is_not_the_scopes_is_refused() -> None:
    today = f"{datetime.now(UTC):%Y%m%d}"
    with pytest.raises(BadSignatureV4, match="Date in Credential scope"):
        check(changed("Authorization", lambda old: old.replace(f"/{today}/", "/20200101/")))


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_S17_host_date_and_target_must_be_signed(name: str) -> None:
    with pytest.raises(BadSignatureV4, match="must be in order and contain"):
        check(changed("Authorization", lambda old: old.replace(f"{name};", "").replace(f";{name},", ",")))


@pytest.mark.parametrize("name", ["Host", "X-Amz-Date", "X-Amz-Target", "Authorization"])
def test_S17_a_header_that_comes_twice_is_refused(name: str) -> None:
    headers = signed()
    value = next(value for key, value in headers if key.lower() == name.lower())

    with pytest.raises(BadSignatureV4, match="came twice"):
        check([*headers, (name, value)])
    with pytest.raises(BadSignatureV4):
        check(changed(name, lambda old: f"{old},{old}"))


def test_S17_a_query_or_another_path_is_refused() -> None:
    with pytest.raises(BadSignatureV4, match="no query"):
        check(signed(), query="X-Amz-Signature=1")
    with pytest.raises(BadSignatureV4, match="no query"):
        check(signed(), path="//")


@given(st.text(max_size=300))
def test_any_other_authorization_is_refused_as_incomplete(text: str) -> None:
    with pytest.raises(BadSignatureV4):
        check(changed("Authorization", lambda _: text))


def test_another_secret_is_refused() -> None:
    claim = sigv4.parse(method="POST", path="/", query="", headers=signed(), now=datetime.now(UTC))

    with pytest.raises(BadSignatureV4) as wrong:
        sigv4.verify(claim, b"{}", "other")
    assert (wrong.value.code, sigv4.unknown_key().code) == ("InvalidSignatureException", "UnrecognizedClientException")
