"""Chapter 10's corpus of archives against everything of the server that unpacks: sources, dependencies, publications."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hostile_archives import Hostile, corpus
from tests.fakes.web import Page, Web
from tests.server.operations.calls import Caller
from toque_server.cookbooks import archive
from toque_server.cookbooks.address import FetchRefused
from toque_server.domain.world import SourceOf
from toque_server.operations.context import Services
from toque_server.operations.errors import ValidationException

CORPUS = corpus()
EVERY = pytest.mark.parametrize("hostile", CORPUS, ids=[each.name for each in CORPUS])


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


@EVERY
def test_S21_a_hostile_source_is_refused_or_harmless(tmp_path: Path, web: Web, hostile: Hostile) -> None:
    into = tmp_path / "around" / "into"
    into.mkdir(parents=True)
    web.pages["/c.tar.gz"] = Page(hostile.data)
    source = SourceOf(type="archive", url=f"{web.url}/c.tar.gz")

    if hostile.verdict == "refused":
        with pytest.raises(FetchRefused, match="the archive is refused"):
            archive.fetch(source, into, allow_insecure=True)
    else:
        archive.fetch(source, into, allow_insecure=True)

    assert list(into.parent.iterdir()) == ([] if hostile.verdict == "refused" else [into])
    assert list(tmp_path.iterdir()) == [into.parent]
    assert not any(path.is_symlink() for path in into.rglob("*"))
    assert {path.stat().st_mode & 0o7022 for path in into.rglob("*")} <= {0}


@EVERY
def test_S21_a_hostile_archive_is_not_published(root: Caller, tmp_path: Path, hostile: Hostile) -> None:
    data_dir = root.services.settings.data_dir
    before = sorted(path.name for path in data_dir.parent.rglob("*") if "toque.db" not in path.name)

    with pytest.raises(ValidationException, match="^Archive"):
        root("PublishCookbooks", StackId=root.stack(), Archive=base64.b64encode(hostile.data).decode())

    after = sorted(path.name for path in data_dir.parent.rglob("*") if "toque.db" not in path.name)
    assert after in (before, sorted([*before, "bundles"]))
