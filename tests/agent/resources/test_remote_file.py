from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from tests.fakes.real import RealHost, place, prepared, write
from tests.fakes.web import Page, Web, certificate_for
from toque.core import BadProperty, Secret, converge
from toque.core.download import DownloadFailed
from toque.core.verification import VerifyFailed
from toque.resources import remote_file
from toque.resources.remote_file import RemoteFile

BODY = b"#!/bin/sh\necho tool\n"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_file, "_CACHE", f"{tmp_path}/cache")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    web.pages["/tool"] = Page(BODY)
    yield web
    web.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tool"


def tool(path: Path, web: Web, **properties: object) -> RemoteFile:
    properties.setdefault("source", f"{web.url}/tool")
    return RemoteFile(str(path), allow_insecure=True, **properties)  # type: ignore[arg-type]


def test_a_missing_file_is_fetched(path: Path, web: Web) -> None:
    change = converge(tool(path, web, mode="0750"), RealHost())

    assert change is not None
    assert path.read_bytes() == BODY
    assert path.stat().st_mode & 0o7777 == 0o750
    assert [each.name for each in path.parent.iterdir() if "toque" in each.name] == []


def test_with_a_digest_nothing_is_asked_for_once_the_file_is_right(path: Path, web: Web) -> None:
    converge(tool(path, web, sha256=DIGEST), RealHost())

    assert converge(tool(path, web, sha256=DIGEST.upper()), RealHost()) is None
    assert len(web.seen) == 1


def test_content_with_another_digest_never_arrives(path: Path, web: Web) -> None:
    write(path, "old")

    with pytest.raises(DownloadFailed, match=f"its sha256 is {DIGEST}, not {'0' * 64}"):
        converge(tool(path, web, sha256="0" * 64), RealHost())

    assert path.read_text() == "old"
    assert list(path.parent.glob(".tool*")) == []


def test_without_a_digest_the_server_says_whether_its_file_has_changed(path: Path, web: Web) -> None:
    web.pages["/tool"] = Page(BODY, headers={"ETag": '"1"'})
    converge(tool(path, web), RealHost())

    again = converge(tool(path, web), RealHost())
    web.pages["/tool"] = Page(b"two", headers={"ETag": '"2"'})
    changed = converge(tool(path, web), RealHost())

    assert again is None
    assert changed is not None
    assert changed.fields == {"checksum"}
    assert path.read_bytes() == b"two"


def test_a_server_without_etags_is_asked_for_the_whole_file(path: Path, web: Web) -> None:
    converge(tool(path, web), RealHost())
    web.pages["/tool"] = Page(b"two")

    assert converge(tool(path, web), RealHost()) is not None
    assert converge(tool(path, web), RealHost()) is None


def test_a_file_that_was_edited_here_is_replaced(path: Path, web: Web) -> None:
    web.pages["/tool"] = Page(BODY, headers={"ETag": '"1"'})
    converge(tool(path, web), RealHost())
    write(path, "edited")

    converge(tool(path, web), RealHost())

    assert path.read_bytes() == BODY


def test_sources_are_tried_in_order(path: Path, web: Web) -> None:
    converge(tool(path, web, source=[f"{web.url}/gone", f"{web.url}/tool"]), RealHost())

    assert path.read_bytes() == BODY


def test_when_no_source_gives_it_each_is_named(path: Path, web: Web) -> None:
    with pytest.raises(DownloadFailed, match=r"/gone cannot be fetched: the server answers 404 Not Found; .*/away"):
        converge(tool(path, web, source=[f"{web.url}/gone", f"{web.url}/away"]), RealHost())


def test_only_the_mode_is_changed_when_only_the_mode_is_wrong(path: Path, web: Web) -> None:
    write(path, BODY, 0o644)
    host = RealHost()

    converge(tool(path, web, sha256=DIGEST, mode="600"), host)

    assert host.ran == [f"chmod 0600 {path}"]
    assert web.seen == []


def test_a_server_that_is_not_there_is_one_clear_sentence(path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/x"

        with pytest.raises(DownloadFailed) as failed:
            converge(RemoteFile(str(path), source=url, allow_insecure=True), RealHost())

    assert str(failed.value).startswith(f"{url} cannot be fetched: ")
    assert "refused" in str(failed.value)


def test_what_is_cut_off_never_arrives(path: Path, web: Web) -> None:
    web.pages["/tool"] = Page(BODY, headers={"Content-Length": "1000"})

    with pytest.raises(DownloadFailed, match="cut off"):
        converge(tool(path, web), RealHost())

    assert not path.exists()


def test_what_is_cut_off_is_taken_up_where_it_ended(path: Path, web: Web) -> None:
    web.pages["/tool"] = Page(BODY, headers={"ETag": '"1"'}, cut_at=7)

    converge(tool(path, web), RealHost())

    assert path.read_bytes() == BODY
    assert [(seen.get("Range"), seen.get("If-Range")) for _, seen in web.seen[:2]] == [
        (None, None),
        ("bytes=7-", '"1"'),
    ]


def test_what_has_changed_meanwhile_is_fetched_anew(path: Path, web: Web) -> None:
    class Changing(Web):
        def answer(self, request: BaseHTTPRequestHandler) -> None:
            super().answer(request)
            self.pages["/tool"] = Page(b"two", headers={"ETag": '"2"'})

    changing = Changing()
    changing.pages["/tool"] = Page(BODY, headers={"ETag": '"1"'}, cut_at=7)
    try:
        converge(tool(path, changing), RealHost())
    finally:
        changing.close()

    assert path.read_bytes() == b"two"


def test_a_proxy_is_asked_with_its_password(path: Path, web: Web) -> None:
    web.pages["http://tools.example.org/tool"] = Page(BODY)
    proxy = Secret(f"http://ada:swordfish@127.0.0.1:{web.port}")

    converge(RemoteFile(str(path), source="http://tools.example.org/tool", sha256=DIGEST, proxy=proxy), RealHost())

    assert path.read_bytes() == BODY
    assert web.seen[0][0] == "http://tools.example.org/tool"
    assert web.seen[0][1]["Proxy-Authorization"] == "Basic YWRhOnN3b3JkZmlzaA=="


def test_a_server_that_wants_a_certificate_gets_it(path: Path, tmp_path: Path) -> None:
    server, ours = certificate_for("localhost", tmp_path / "server.pem"), certificate_for("me", tmp_path / "me.pem")
    web = Web(server, clients=ours)
    web.pages["/tool"] = Page(BODY)
    try:
        with pytest.raises(DownloadFailed):
            converge(tool(path, web, ca_file=str(server)), RealHost())
        converge(tool(path, web, ca_file=str(server), cert_file=str(ours)), RealHost())
    finally:
        web.close()

    assert path.read_bytes() == BODY


def test_what_does_not_verify_never_arrives_and_what_was_there_can_be_kept(path: Path, web: Web) -> None:
    write(path, "{}")

    with pytest.raises(VerifyFailed, match="is not JSON"):
        converge(tool(path, web, verify="json"), RealHost())
    assert path.read_text() == "{}"
    converge(tool(path, web, backup=1), RealHost())

    assert path.with_name("tool.toque-1").read_text() == "{}"


def test_S19_what_is_too_large_is_refused_whatever_the_server_says_of_its_size(path: Path, web: Web) -> None:
    web.pages["/tool"] = Page(b"x" * 3_000_000)
    web.pages["/silent"] = Page(b"x" * 3_000_000, headers={"Content-Length": "", "Connection": "close"})

    for source in (f"{web.url}/tool", f"{web.url}/silent"):
        with pytest.raises(DownloadFailed, match="larger than 1 MiB"):
            converge(tool(path, web, source=source, size_limit=1 << 20), RealHost())

    assert not path.exists()


def test_a_password_is_sent_and_shown_nowhere(path: Path, web: Web) -> None:
    secret = Secret("swordfish")

    converge(tool(path, web, username="ada", password=secret, headers={"X-Token": "1"}), RealHost())

    _, headers = web.seen[0]
    assert headers["Authorization"] == "Basic YWRhOnN3b3JkZmlzaA=="
    assert headers["X-Token"] == "1"
    assert "swordfish" not in repr(tool(path, web, password=secret))


def test_S19_a_redirect_to_another_host_gets_no_credentials(path: Path, web: Web) -> None:
    other = Web(address="127.0.0.2")
    try:
        other.pages["/tool"] = Page(BODY)
        web.pages["/tool"] = Page(status=302, headers={"Location": f"{other.url}/tool"})

        converge(tool(path, web, username="ada", password=Secret("swordfish"), headers={"X-Token": "1"}), RealHost())

        _, headers = other.seen[0]
        assert path.read_bytes() == BODY
        assert not {"Authorization", "X-Token"} & set(headers)
    finally:
        other.close()


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://example.org/", "ftp://example.org/", "/tool"])
def test_S19_a_redirect_that_leads_astray_is_refused(path: Path, web: Web, target: str) -> None:
    web.pages["/tool"] = Page(status=302, headers={"Location": target})

    with pytest.raises(DownloadFailed):
        converge(tool(path, web), RealHost())

    assert not path.exists()


def test_S19_without_leave_neither_a_loopback_address_nor_a_name_for_it_is_fetched_from(
    path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)

    with pytest.raises(DownloadFailed, match=r"leads to 127\.0\.0\.1, which is not on the public internet"):
        converge(RemoteFile(str(path), source=f"http://example.org:{web.port}/tool", sha256=DIGEST), RealHost())

    assert web.seen == []


def test_S19_a_redirect_from_public_to_private_is_refused(
    path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.pages["/tool"] = Page(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    # As if the server of the test were a public one.
    monkeypatch.setattr("toque.core.download.refuse_address", lambda url, address: None)

    with pytest.raises(DownloadFailed, match=r"'http://169\.254\.169\.254/.* not on the public internet"):
        converge(RemoteFile(str(path), source=f"http://example.org:{web.port}/tool", sha256=DIGEST), RealHost())

    assert len(web.seen) == 1


def test_over_tls_the_name_is_checked_although_an_address_is_connected_to(path: Path, tmp_path: Path) -> None:
    right, wrong = (
        certificate_for("localhost", tmp_path / "right.pem"),
        certificate_for("other", tmp_path / "wrong.pem"),
    )
    for certificate in (right, wrong):
        web = Web(certificate)
        web.pages["/tool"] = Page(BODY)
        want = tool(path, web, ca_file=str(certificate), sha256=DIGEST)
        try:
            if certificate is wrong:
                path.unlink()
                with pytest.raises(DownloadFailed, match="doesn't match 'other'"):
                    converge(want, RealHost())
            else:
                converge(want, RealHost())
                assert path.read_bytes() == BODY
        finally:
            web.close()


def test_a_file_of_this_machine_needs_a_digest_or_leave(path: Path, tmp_path: Path) -> None:
    source = f"file://{write(tmp_path / 'source', BODY)}"

    converge(RemoteFile(str(path), source=source, sha256=DIGEST), RealHost())

    assert path.read_bytes() == BODY
    with pytest.raises(BadProperty, match="allow_insecure=True"):
        RemoteFile(str(path), source=source)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives a file away")
def test_the_owner_is_set_before_the_file_is_there(path: Path, web: Web) -> None:
    host = RealHost()

    converge(tool(path, web, owner="nobody", group="nogroup", mode="4755"), host)

    assert path.stat().st_mode & 0o7777 == 0o4755
    assert host.user_name(path.stat().st_uid) == "nobody"
    assert [line for line in host.ran if not line.startswith("mkdir")] == [
        f"rename {path.parent}/.tool.toque-{os.getpid()} {path}"
    ]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"source": "http://example.org/x"}, "nothing proves what comes over http"),
        ({"source": "ftp://example.org/x"}, "only https"),
        ({"source": "https://10.0.0.1/x"}, "not on the public internet"),
        ({"source": []}, "needs a source"),
        ({"source": "https://example.org/x", "proxy": "proxy:3128"}, "proxy must be such as http"),
        ({"source": "https://example.org/x", "key_file": "/k"}, "needs cert_file"),
        ({"source": "https://example.org/x", "sha256": "abc"}, "64 hexadecimal digits"),
        ({"source": "https://example.org/x", "headers": {"A\nB": "1"}}, "headers must map"),
        ({"source": "https://example.org/x", "headers": {"A": "1\r\nB: 2"}}, "headers must map"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(properties: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        RemoteFile("/tmp/x", **properties)  # type: ignore[arg-type]


# What holds for every resource

_PLACE = place("remote-file")


def _found(content: bytes | None, mode: int = 0o644) -> None:
    write(_PLACE / "source", BODY)
    if content is not None:
        write(_PLACE / "tool", content, mode)


CASES = [
    Case(
        RemoteFile(str(_PLACE / "tool"), source=f"file://{_PLACE}/source", **properties),  # type: ignore[arg-type]
        prepared(_PLACE, lambda content=content: _found(content)),  # type: ignore[misc]
    )
    for properties in ({"sha256": DIGEST}, {"sha256": DIGEST, "mode": "0700"}, {"sha256": DIGEST, "present": False})
    for content in (None, BODY, b"other")
]
