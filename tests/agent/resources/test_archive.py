from __future__ import annotations

import gzip
import hashlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from tests.fakes.hostile_archives import Hostile, corpus, entry, honest, link, tgz
from tests.fakes.real import RealHost, place, prepared, write
from tests.fakes.web import Page, Web
from toque.core import BadProperty, ToqueError, converge, inflate
from toque.core.archives import BadArchive
from toque.core.download import DownloadFailed
from toque.core.trees import InTheWay
from toque.resources.archive import Archive

TOOL = honest("tar.gz")
REFUSED = [each for each in corpus() if each.verdict == "refused"][::7]
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives files away")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "opt" / "tool"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return write(tmp_path / "tool.tar.gz", TOOL)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def left_behind(there: Path) -> list[str]:
    return [each.name for each in there.parent.iterdir() if each.name.startswith(".toque")]


def test_an_archive_is_unpacked_into_a_new_folder(there: Path, packed: Path) -> None:
    want = Archive(str(there), source=str(packed), strip_components=1)

    change = converge(want, RealHost())

    assert change is not None
    assert (there / "README").read_text() == "read me\n"
    assert os.access(there / "bin/tool", os.X_OK)
    assert want.digest == sha256(TOOL)
    assert left_behind(there) == []


def test_what_is_unpacked_already_is_left_alone(there: Path, packed: Path) -> None:
    converge(Archive(str(there), source=str(packed)), RealHost())

    host = RealHost()

    assert converge(Archive(str(there), source=str(packed)), host) is None
    assert host.ran == []


def test_another_archive_of_the_same_name_is_unpacked_over_the_old_one(there: Path, packed: Path) -> None:
    converge(Archive(str(there), source=str(packed), strip_components=1), RealHost())
    write(there / "local.conf", "mine")
    packed.write_bytes(tgz(entry(b"t/README", b"new"), link(b"t/latest", b"README")))

    change = converge(Archive(str(there), source=str(packed), strip_components=1), RealHost())

    assert change is not None
    assert (there / "README").read_text() == "new"
    assert (there / "latest").readlink() == Path("README")
    assert (there / "local.conf").read_text() == "mine"
    assert (there / "bin/tool").exists()


def test_an_archive_that_was_cleaned_away_after_unpacking_is_not_missed(there: Path, packed: Path) -> None:
    converge(Archive(str(there), source=str(packed)), RealHost())
    packed.unlink()

    assert converge(Archive(str(there), source=str(packed)), RealHost()) is None


def test_a_missing_archive_is_one_clear_sentence(there: Path, tmp_path: Path) -> None:
    with pytest.raises(ToqueError, match=f"there is no archive {tmp_path}/none on this machine"):
        converge(Archive(str(there), source=f"{tmp_path}/none"), RealHost())


def test_an_archive_with_another_digest_is_refused(there: Path, packed: Path) -> None:
    with pytest.raises(DownloadFailed, match="its sha256 is"):
        converge(Archive(str(there), source=str(packed), sha256="0" * 64), RealHost())

    assert list(there.iterdir()) == []


def test_the_path_of_an_archive_may_have_any_characters(there: Path, tmp_path: Path) -> None:
    packed = write(tmp_path / "a b%20c#d?é.tgz", TOOL)

    converge(Archive(str(there), source=str(packed)), RealHost())

    assert (there / "tool-1.2/README").exists()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    web.pages["/tool.tar.gz"] = Page(TOOL)
    yield web
    web.close()


def test_an_archive_is_fetched_from_a_url_once(there: Path, web: Web) -> None:
    want = Archive(str(there), source=f"{web.url}/tool.tar.gz", allow_insecure=True)

    converge(want, RealHost())

    assert converge(want, RealHost()) is None
    assert len(web.seen) == 1


def test_a_new_digest_fetches_it_again(there: Path, web: Web) -> None:
    source = f"{web.url}/tool.tar.gz"
    converge(Archive(str(there), source=source, sha256=sha256(TOOL), allow_insecure=True), RealHost())
    web.pages["/tool.tar.gz"] = Page(other := tgz(entry(b"README", b"two")))

    change = converge(Archive(str(there), source=source, sha256=sha256(other), allow_insecure=True), RealHost())

    assert change is not None
    assert change.fields == {"checksum"}
    assert (there / "README").read_text() == "two"


@root
def test_everything_belongs_to_the_owner_that_the_recipe_names(there: Path, packed: Path) -> None:
    host = RealHost()

    converge(Archive(str(there), source=str(packed), owner="nobody", group="nogroup"), host)

    unpacked = [path for path in [there, *there.rglob("*")] if path.name != ".toque-archive"]
    assert {host.user_name(path.lstat().st_uid) for path in unpacked} == {"nobody"}
    assert {host.group_name(path.lstat().st_gid) for path in unpacked} == {"nogroup"}


def test_what_is_unpacked_gets_the_mode_that_the_recipe_names(there: Path, packed: Path) -> None:
    converge(Archive(str(there), source=str(packed), strip_components=1, mode="0750"), RealHost())

    assert {path.stat().st_mode & 0o7777 for path in (there / "bin", there / "bin/tool")} == {0o750}
    assert (there / "README").stat().st_mode & 0o7777 == 0o640


def test_where_what_it_creates_is_there_nothing_is_unpacked(there: Path, packed: Path) -> None:
    write(there / "bin/tool", "mine")
    want = Archive(str(there), source=str(packed), strip_components=1, creates="bin/tool")

    assert converge(want, RealHost()) is None
    (there / "bin/tool").unlink()
    assert converge(want, RealHost()) is not None


def test_files_that_are_there_are_left_alone_without_overwrite(there: Path, packed: Path) -> None:
    write(there / "README", "mine")

    converge(Archive(str(there), source=str(packed), strip_components=1, overwrite=False), RealHost())

    assert (there / "README").read_text() == "mine"
    assert (there / "bin/tool").exists()


def test_zstd_is_unpacked_where_python_can_read_it_and_else_refused_with_what_to_do(
    there: Path, tmp_path: Path
) -> None:
    if not inflate.READS_ZSTD:
        packed = write(tmp_path / "a.tar.zst", b"\x28\xb5\x2f\xfd" + b"\0" * 600)
        with pytest.raises(BadArchive, match=r"cannot read zstd \(3\.14 and later can\): pack it as tar\.xz"):
            converge(Archive(str(there), source=str(packed)), RealHost())
        return
    compress = importlib.import_module("compression.zstd").compress
    packed = write(tmp_path / "a.tar.zst", compress(gzip.decompress(TOOL)))

    converge(Archive(str(there), source=str(packed), strip_components=1), RealHost())

    assert (there / "README").read_text() == "read me\n"


# What must not happen


@pytest.mark.parametrize("hostile", REFUSED, ids=lambda each: each.name)
def test_S21_a_refused_archive_leaves_what_was_there(there: Path, tmp_path: Path, hostile: Hostile) -> None:
    write(there / "README", "old")
    packed = write(tmp_path / "x", hostile.data)

    with pytest.raises(BadArchive):
        converge(Archive(str(there), source=str(packed)), RealHost())

    assert [each.name for each in there.iterdir()] == ["README"]
    assert left_behind(there) == []


def test_S21_nothing_is_written_through_a_link_that_stands_in_the_folder(there: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    there.mkdir(parents=True)
    (there / "etc").symlink_to(elsewhere)
    (there / "file").symlink_to(write(tmp_path / "target", "theirs"))
    through_folder = write(tmp_path / "a", tgz(entry(b"etc/passwd")))
    through_file = write(tmp_path / "b", tgz(entry(b"file", b"ours")))

    with pytest.raises(InTheWay, match="etc is no folder"):
        converge(Archive(str(there), source=str(through_folder)), RealHost())
    converge(Archive(str(there), source=str(through_file)), RealHost())

    assert list(elsewhere.iterdir()) == []
    assert (tmp_path / "target").read_text() == "theirs"
    assert (there / "file").read_text() == "ours"


def test_a_folder_is_not_replaced_by_a_file(there: Path, tmp_path: Path) -> None:
    write(there / "data" / "precious", "1")

    with pytest.raises(InTheWay, match="data is a folder"):
        converge(Archive(str(there), source=str(write(tmp_path / "a", tgz(entry(b"data"))))), RealHost())

    assert (there / "data" / "precious").exists()


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"source": "tool.tar.gz"}, "absolute path"),
        ({"source": "http://example.org/x.zip"}, "nothing proves what comes over http"),
        ({"source": "https://169.254.169.254/x.zip"}, "not on the public internet"),
        ({"source": "/x.zip", "sha256": "x"}, "64 hexadecimal digits"),
        ({"source": "/x.zip", "strip_components": -1}, "0 or more"),
        ({"source": "/x.zip", "mode": "rwx"}, "octal digits"),
        ({"source": "/x.zip", "headers": {"A": "1\r\nB: 2"}}, "headers must map"),
        ({"source": "/x.zip", "key_file": "/k"}, "needs cert_file"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(properties: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Archive("/opt/tool", **properties)  # type: ignore[arg-type]


# What holds for every resource

_PLACE = place("archive")


def _found(unpacked: bytes | None) -> None:
    source = write(_PLACE / "tool.tar.gz", TOOL)
    if unpacked is not None:
        source.write_bytes(unpacked)
        converge(Archive(str(_PLACE / "tool"), source=str(source)), RealHost())
        source.write_bytes(TOOL)


CASES = [
    Case(
        Archive(str(_PLACE / "tool"), source=str(_PLACE / "tool.tar.gz"), **properties),  # type: ignore[arg-type]
        prepared(_PLACE, lambda unpacked=unpacked: _found(unpacked)),  # type: ignore[misc]
    )
    for properties in ({}, {"sha256": sha256(TOOL)}, {"strip_components": 1})
    for unpacked in (None, TOOL, tgz(entry(b"old")))
]
