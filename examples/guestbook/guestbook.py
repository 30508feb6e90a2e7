"""A guestbook: one page, one form, stored entries, the same on every instance."""

from __future__ import annotations

import html
import json
import os
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8000"))
DATABASE = Path(os.environ.get("SHARED_PATH", ".")) / "guestbook.db"
STACK_FILE = os.environ.get("STACK_FILE", "")
GREETING = os.environ.get("GREETING", "Guestbook")
RELEASE = (HERE / "RELEASE").read_text().strip() if (HERE / "RELEASE").exists() else HERE.name
PAGE = Template((HERE / "templates" / "page.html").read_text())
CATCH_UP_EVERY = 5.0  # seconds
LONGEST_NAME, LONGEST_MESSAGE, LONGEST_BODY = 80, 2000, 64 * 1024


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(DATABASE, timeout=10)
    connection.execute("create table if not exists entries (id text primary key, at real, name text, message text)")
    return connection


def entries() -> list[dict[str, object]]:
    with database() as connection:
        rows = connection.execute("select id, at, name, message from entries order by at desc, id limit 500").fetchall()
    return [dict(zip(("id", "at", "name", "message"), row, strict=True)) for row in rows]


def keep(found: list[dict[str, object]]) -> None:
    """Store entries that are not known yet; the id makes a second arrival harmless."""
    rows = [
        (str(e["id"]), float(str(e["at"])), str(e["name"])[:LONGEST_NAME], str(e["message"])[:LONGEST_MESSAGE])
        for e in found
    ]
    with database() as connection:
        connection.executemany("insert or ignore into entries values (?, ?, ?, ?)", rows)


def peers() -> list[str]:
    """The other online instances of this app's layers, as the last Configure wrote them."""
    try:
        stack = json.loads(Path(STACK_FILE).read_text())
    except (OSError, ValueError):
        return []
    return [peer for peer in stack.get("peers", []) if peer != HOST]


def send_to_peers(entry: dict[str, object]) -> None:
    body = json.dumps([entry]).encode()
    for peer in peers():
        request = urllib.request.Request(
            f"http://{peer}:{PORT}/entries.json", body, {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=2).close()
        except (urllib.error.URLError, OSError):
            continue  # it fetches what it missed by itself


def keep_up() -> None:
    """Fetch what was missed: by an entry signed before the peers knew of each other, or while one of them was away."""
    while True:
        time.sleep(CATCH_UP_EVERY)
        fetch_from_peers()


def fetch_from_peers() -> None:
    for peer in peers():
        try:
            with urllib.request.urlopen(f"http://{peer}:{PORT}/entries.json", timeout=2) as answer:
                keep(json.load(answer))
        except (urllib.error.URLError, OSError, ValueError):
            continue


class Book(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(200, "text/html; charset=utf-8", self.page())
        elif self.path == "/entries.json":
            self.answer(200, "application/json", json.dumps(entries()))
        elif self.path == "/health":
            state = {"host": socket.gethostname(), "release": RELEASE, "entries": len(entries())}
            self.answer(200, "application/json", json.dumps(state))
        else:
            self.answer(404, "text/plain", "not found\n")

    do_HEAD = do_GET

    def do_OPTIONS(self) -> None:
        self.answer(200, "text/plain", "")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            self.answer(413, "text/plain", "too long\n")
            return
        body = self.rfile.read(length)
        if self.path == "/entries":
            self.sign(urllib.parse.parse_qs(body.decode("utf-8", "replace")))
        elif self.path == "/entries.json":
            keep(json.loads(body))
            self.answer(200, "application/json", "{}")
        else:
            self.answer(404, "text/plain", "not found\n")

    def sign(self, form: dict[str, list[str]]) -> None:
        name, message = (form.get(field, [""])[0].strip() for field in ("name", "message"))
        if not name or not message:
            self.answer(400, "text/plain", "a name and a message, please\n")
            return
        entry: dict[str, object] = {"id": str(uuid.uuid4()), "at": time.time(), "name": name, "message": message}
        keep([entry])
        threading.Thread(target=send_to_peers, args=(entry,), daemon=True).start()
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def page(self) -> str:
        rows = "".join(
            f"<li><b>{html.escape(str(e['name']))}</b> <time>{time.strftime('%Y-%m-%d %H:%M', time.gmtime(float(str(e['at']))))}"
            f"</time><p>{html.escape(str(e['message']))}</p></li>"
            for e in entries()
        )
        return PAGE.substitute(
            greeting=html.escape(GREETING),
            entries=rows or "<li>Nobody has written yet.</li>",
            host=html.escape(socket.gethostname()),
            release=html.escape(RELEASE),
        )

    def answer(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Served-By", socket.gethostname())
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        print(f"{self.address_string()} {format % args}", flush=True)


if __name__ == "__main__":
    fetch_from_peers()
    threading.Thread(target=keep_up, daemon=True).start()
    print(f"guestbook {RELEASE} listens on http://{HOST}:{PORT}/", flush=True)
    ThreadingHTTPServer((HOST, PORT), Book).serve_forever()
