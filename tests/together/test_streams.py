"""Event streams over a real server: they end with it, and do not keep it from ending in order (R26)."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.together.house import Server

pytestmark = pytest.mark.slow


def test_R26_open_streams_do_not_keep_the_server_from_ending_in_order(tmp_path: Path) -> None:
    server = Server(tmp_path).init().start()
    try:
        with requests.Session() as session:
            session.trust_env = False
            sign_in(session, server)
            streams = [session.get(f"{server.url}/console/events", stream=True, timeout=60) for _ in range(3)]

            assert [next(stream.iter_lines()) for stream in streams] == [b"retry: 1000"] * 3
            assert server.stop() == 0
            for stream in streams:
                stream.close()
        assert "Killing" not in server.log()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def sign_in(session: requests.Session, server: Server) -> None:
    page = session.get(f"{server.url}/console/", timeout=10)
    form = {
        "csrf_token": page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0],
        "username": server.secrets["console_user"],
        "password": server.secrets["console_password"],
    }
    done = session.post(page.url, data=form, headers={"Origin": server.url}, timeout=10)
    assert done.url == f"{server.url}/console/"
