"""A browser without scripts, for tests: keeps its cookies, fills in the forms it sees, follows redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HERE = "http://localhost"
PASSWORD = "four different groups 42"


@dataclass
class Page:
    """What a page holds: elements by name, its text, its forms."""

    status: int
    html: str
    path: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""

    def all(self, element: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [given for name, given in self.elements if name == element and wanted.items() <= given.items()]

    def badges(self) -> dict[str, str]:
        """The states on the page: `instance:<id>` to its tone."""
        return {
            given["data-badge"]: given["class"].split("tone-")[1] for given in self.all("span") if "data-badge" in given
        }

    @property
    def csrf_token(self) -> str:
        return self.all("input", name="csrf_token")[0]["value"]


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


class Browser:
    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> Page:
        return self._page(self.client.get(path, headers=_wire(headers), follow_redirects=True))

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> Page:
        """Send a form as a browser does from our own page, with the token of the page it is on."""
        token = self.get("/console/").csrf_token
        given = {"csrf_token": token} | (data or {})
        return self._page(self.raw_post(path, given, follow_redirects=True, **headers))

    def raw_post(
        self, path: str, data: dict[str, Any], *, follow_redirects: bool = False, **headers: str
    ) -> TestResponse:
        own = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"} | _wire(headers)
        own = {name: value for name, value in own.items() if value}
        return self.client.post(path, data=data, headers=own, follow_redirects=follow_redirects)

    def sign_in(self, name: str, password: str = PASSWORD) -> Page:
        page = self.get("/console/")
        form = {"csrf_token": page.csrf_token, "username": name, "password": password}
        return self._page(self.raw_post(page.path, form, follow_redirects=True))

    def cookie(self) -> str:
        found = self.client.get_cookie("toque_session")
        return "" if found is None else str(found.value)

    def _page(self, answer: TestResponse) -> Page:
        page = Page(answer.status_code, answer.get_data(as_text=True), answer.request.path)
        reader = _Reader(page)
        reader.feed(page.html)
        page.text = " ".join(" ".join(reader.words).split())
        return page


def _wire(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
