from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fakes.hostile_archives import Hostile, corpus, entry, header, honest, link, tgz, zipped
from toque.core.archives import BadArchive, Limits, extract

CORPUS = corpus()
# As a bundle, which differs in links only, without those that take seconds.
AS_WHAT = [(each, True) for each in CORPUS] + [(each, False) for each in CORPUS if "000 e" not in each.name]


def packed(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "archive"
    path.write_bytes(data)
    return path


def is_harmless(root: Path) -> bool:
    """Files 0644 or 0755, folders 0755, and relative links that stay inside; nothing else."""
    for path in root.rglob("*"):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            if not path.resolve().is_relative_to(root.resolve()) or path.readlink().is_absolute():
                return False
        elif stat.S_ISDIR(found.st_mode):
            if stat.S_IMODE(found.st_mode) != 0o755:
                return False
        elif not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) not in (0o644, 0o755):
            return False
    return ".git" not in {path.name for path in root.rglob("*")}


def test_there_are_enough_hostile_archives() -> None:
    assert len(CORPUS) >= 40
    assert len({each.name for each in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(
    ("hostile", "links"), AS_WHAT, ids=[f"{each.name}-{'app' if links else 'bundle'}" for each, links in AS_WHAT]
)
def test_S21_a_hostile_archive_is_refused_or_harmless(tmp_path: Path, hostile: Hostile, links: bool) -> None:
    around = tmp_path / "around"
    around.mkdir()
    (around / "canary").write_text("alive")

    if hostile.verdict == "refused":
        with pytest.raises(BadArchive, match=r"the archive is refused: ."):
            extract(packed(tmp_path, hostile.data), around / "new", links=links, name="the archive")
        assert not (around / "new").exists()
    else:
        extract(packed(tmp_path, hostile.data), around / "new", links=links)
        assert is_harmless(around / "new")

    assert (around / "canary").read_text() == "alive"
    assert {each.name for each in around.iterdir()} <= {"canary", "new"}
    assert not Path("/tmp/toque-canary").exists()


@pytest.mark.parametrize("format", ["tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_an_honest_archive_is_unpacked(tmp_path: Path, format: str) -> None:
    made = extract(packed(tmp_path, honest(format)), tmp_path / "new", strip=1)

    assert {"README", "bin/tool", "latest"} <= set(made)
    assert (tmp_path / "new/README").read_text() == "read me\n"
    assert (tmp_path / "new/README").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "new/latest").resolve() == (tmp_path / "new/bin/tool").resolve()
    assert os.access(tmp_path / "new/bin/tool", os.X_OK)
    assert is_harmless(tmp_path / "new")


@pytest.mark.parametrize("program", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("flavour", ["gnu", "pax", "ustar"])
def test_what_the_real_tar_packs_is_unpacked_as_it_was(tmp_path: Path, program: str, flavour: str) -> None:
    tree = tmp_path / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/naïve file").write_bytes(os.urandom(100_000))
    (tree / "empty").touch()
    (tree / ("n" * 120 if flavour != "ustar" else "n")).write_text("long")
    (tree / "up").symlink_to("deep/er/naïve file")
    subprocess.run(["tar", f"--{program}", f"--format={flavour}", "-cf", tmp_path / "a", "-C", tree, "."], check=True)

    extract(tmp_path / "a", tmp_path / "new")

    assert subprocess.run(["diff", "-r", tree, tmp_path / "new"], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("zip") is None and shutil.which("unzip") is None, reason="needs zip")
def test_a_war_is_a_zip(tmp_path: Path) -> None:
    extract(packed(tmp_path, zipped(("WEB-INF/web.xml", b"<web-app/>"), ("index.jsp", b""))), tmp_path / "new")

    assert (tmp_path / "new/WEB-INF/web.xml").read_bytes() == b"<web-app/>"


def test_a_bundle_has_no_links_at_all(tmp_path: Path) -> None:
    data = tgz(entry(b"a"), link(b"b", b"a"))

    assert extract(packed(tmp_path, data), tmp_path / "app") == ["a", "b"]
    with pytest.raises(BadArchive, match="'b' is a link"):
        extract(packed(tmp_path, data), tmp_path / "bundle", links=False)


def test_limits_hold_to_the_byte(tmp_path: Path) -> None:
    data = tgz(entry(b"a", b"x" * 1000))

    extract(packed(tmp_path, data), tmp_path / "fits", limits=Limits(size=1000, entries=1))
    with pytest.raises(BadArchive, match="larger than"):
        extract(packed(tmp_path, data), tmp_path / "large", limits=Limits(size=999))
    with pytest.raises(BadArchive, match="more than 1 entries"):
        extract(packed(tmp_path, tgz(entry(b"a"), entry(b"b"))), tmp_path / "many", limits=Limits(entries=1))


def test_a_plain_tar_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match=r"a plain \.tar is not taken, compress it"):
        extract(packed(tmp_path, entry(b"a") + bytes(1024)), tmp_path / "new")


def test_strip_leaves_out_what_lies_above(tmp_path: Path) -> None:
    data = tgz(header(b"top/", kind=b"5"), entry(b"top/a"), entry(b"stray"), entry(b"./top/./b/c"))

    assert extract(packed(tmp_path, data), tmp_path / "new", strip=1) == ["a", "b/c"]


def test_a_folder_that_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    with pytest.raises(FileExistsError):
        extract(packed(tmp_path, tgz(entry(b"a"))), tmp_path / "new")

    assert list((tmp_path / "new").iterdir()) == []
