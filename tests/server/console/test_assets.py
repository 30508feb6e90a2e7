from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

import toque_server.console
from tests.server.console.browser import Browser
from tests.server.console.conftest import House
from toque_server.console import states
from toque_server.console.assets import Assets, cut
from toque_server.console.durations import duration, size

HERE = Path(toque_server.console.__file__).parent


def test_the_first_page_weighs_less_than_100_kilobytes(house: House) -> None:
    page = house.browser.get("/console/")
    linked = [given["href"] for given in page.all("link")] + [given["src"] for given in page.all("script")]

    assets = Assets().size(
        "bootstrap.css", "console.css", "icons.svg", "toque.svg", "page.js", "live.js", "log.js", "badge.js"
    )

    assert linked and assets + len(gzip.compress(page.html.encode())) < 100_000


def test_assets_are_packed_and_kept_for_ever_under_an_address_of_their_content(house: House) -> None:
    page = house.browser.get("/console/")
    stranger: Browser = house.another()

    for given in page.all("link") + page.all("script"):
        answer = stranger.client.get(given.get("href") or given["src"], headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip" and "nosniff" in answer.headers["X-Content-Type-Options"]
        assert "Set-Cookie" not in answer.headers
    assert stranger.client.get("/console/static/x/nothing.css").status_code == 404
    assert "immutable" not in stranger.client.get("/console/static/old/console.css").headers["Cache-Control"]


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    named = {
        name
        for template in (HERE / "templates").iterdir()
        for name in re.findall(r"(?:icon\(|', )'([a-z]+(?:-[a-z]+)+)'", template.read_text())
    }

    assert len(named) > 10 and named <= states.ICONS


def test_an_icon_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(LookupError, match="no-such"):
        cut('<svg><symbol viewBox="0 0 1 1" id="one"><path d=""/></symbol></svg>', ["no-such"])


def test_times_and_sizes_read_as_people_say_them() -> None:
    assert [duration(each) for each in (0.44, 12, 200, 7500, 273_600, None)] == [
        "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h", "",
    ]  # fmt: skip
    assert [size(each) for each in (812, 3500, 12 << 20, 24 << 30)] == ["812 B", "3.4 KiB", "12.0 MiB", "24.0 GiB"]
