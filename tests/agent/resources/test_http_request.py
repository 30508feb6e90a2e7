from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from tests.fakes.web import Page, Web, certificate_for
from toque.core import BadProperty, LocalHost, Secret, converge
from toque.core.host import Unreachable, WebAnswer, WebRequest
from toque.resources.http_request import HttpRequest, UnexpectedAnswer
from toque.testing.machine import FakeHost

URL = "http://shop.example.org/health"


def answering(status: int = 200, body: bytes = b"ok") -> FakeHost:
    return FakeHost(web={URL: WebAnswer(status, {"content-type": "text/plain"}, body)})


def test_a_look_is_no_change_and_its_answer_is_in_the_handle() -> None:
    want = HttpRequest(URL)

    assert converge(want, answering()) is None
    assert want.answer is not None
    assert (want.answer.status, want.answer.text) == (200, "ok")


def test_a_look_is_sent_in_a_plan_too_and_what_changes_is_not() -> None:
    host = answering()

    converge(HttpRequest(URL), host, dry_run=True)
    converge(HttpRequest(URL, method="POST"), host, dry_run=True)

    assert [each.method for each in host.asked] == ["GET"]


def test_json_is_sent_as_json() -> None:
    host = answering()

    converge(HttpRequest(URL, method="POST", json={"a": [1]}, headers={"X-Key": Secret("k3y")}), host)

    [sent] = host.asked
    assert sent == WebRequest(URL, "POST", {"X-Key": "k3y", "Content-Type": "application/json"}, b'{"a": [1]}')


@pytest.mark.parametrize(
    ("want", "said"),
    [
        (HttpRequest(URL, expect=[204]), "answers 200, not 204\nit said: ok"),
        (HttpRequest(URL, contains="fine"), "answers without 'fine'"),
        (HttpRequest("http://a:hunter2@elsewhere/"), r"http://a:\*\*\*@elsewhere/ answers"),
    ],
    ids=["status", "text", "secret"],
)
def test_another_answer_fails_it_and_is_told(want: HttpRequest, said: str) -> None:
    host = answering()
    host.web["http://a:hunter2@elsewhere/"] = WebAnswer(500)

    with pytest.raises(UnexpectedAnswer, match=said):
        converge(want, host)


def test_no_answer_says_why() -> None:
    with pytest.raises(Unreachable, match="nowhere/ does not answer: Connection refused"):
        converge(HttpRequest("http://nowhere/"), FakeHost())


def test_what_is_done_already_is_not_sent() -> None:
    host = answering()

    assert converge(HttpRequest(URL, method="PUT", unless=lambda: True), host) is None
    assert host.asked == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://x/"}, "http://"),
        ({"url": "http://x/ y"}, "without blanks"),
        ({"url": URL, "json": {}, "body": "x", "method": "POST"}, "not both"),
        ({"url": URL, "body": "x"}, "GET has no body"),
        ({"url": URL, "key_file": "/k"}, "needs cert_file"),
        ({"url": URL, "ca_file": "ca.pem"}, "absolute path"),
        ({"url": URL, "headers": {"X": "a\r\nY: b"}}, "one line"),
    ],
    ids=["scheme", "blank", "both", "body of a GET", "key", "path", "S22 a second header"],
)
def test_what_is_no_request_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        HttpRequest(**given)  # type: ignore[arg-type]


def test_on_a_real_machine_redirects_are_followed_for_looks_only() -> None:
    with closing(Web()) as web:
        web.pages["/there"] = Page(b"arrived")
        web.pages["/here"] = Page(status=302, headers={"Location": "/there"})
        opened = web.url.replace("://", "://ada:hunter2@") + "/here"

        converge(HttpRequest(opened, contains="arrived"), LocalHost())

        with pytest.raises(UnexpectedAnswer, match="answers 302"):
            converge(HttpRequest(opened, method="POST", body="x"), LocalHost())
    assert [path for path, _ in web.seen] == ["/here", "/there", "/here"]
    assert {headers["Authorization"] for _, headers in web.seen} == {"Basic YWRhOmh1bnRlcjI="}


def test_on_a_real_machine_a_token_is_not_taken_to_another_host() -> None:
    with closing(Web()) as web, closing(Web(address="127.0.0.2")) as other:
        other.pages["/there"] = Page(b"arrived")
        web.pages["/here"] = Page(status=302, headers={"Location": f"{other.url}/there"})

        converge(HttpRequest(f"{web.url}/here", headers={"X-Token": Secret("open sesame")}), LocalHost())

    assert [headers.get("X-Token") for _, headers in (*web.seen, *other.seen)] == ["open sesame", None]


def test_a_server_that_wants_a_certificate_gets_it(tmp_path: Path) -> None:
    server, ours = certificate_for("localhost", tmp_path / "server.pem"), certificate_for("me", tmp_path / "me.pem")
    with closing(Web(server, clients=ours)) as web:
        web.pages["/here"] = Page(b"welcome")

        with pytest.raises(Unreachable):
            converge(HttpRequest(f"{web.url}/here", ca_file=str(server)), LocalHost())
        converge(HttpRequest(f"{web.url}/here", ca_file=str(server), cert_file=str(ours), contains="come"), LocalHost())


CASES = [
    Case(HttpRequest(URL), answering),
    Case(HttpRequest(URL, method="POST", unless=lambda: True), answering),
]


def example_machine() -> FakeHost:
    return FakeHost(web={"http://127.0.0.1:8080/health": WebAnswer(200)})
