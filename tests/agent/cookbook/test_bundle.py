from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from toque.cookbook import bundle
from toque.cookbook.bundle import BadBundle, pack, unpack, verify_unpacked


def cookbook(root: Path, name: str = "web") -> Path:
    (root / "recipes").mkdir(parents=True)
    (root / "cookbook.toml").write_text(f'[cookbook]\nname = "{name}"\nversion = "1.2.3"\n')
    (root / "recipes/default.py").write_text("pass\n")
    (root / "files").mkdir()
    (root / "files/run").write_text("#!/bin/sh\n")
    (root / "files/run").chmod(0o750)
    return root


def test_S8_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = cookbook(tmp_path / "one"), cookbook(tmp_path / "two")
    os.utime(two / "recipes/default.py", (1, 1))
    (two / "recipes/default.py").chmod(0o600)
    (two / "__pycache__").mkdir()
    (two / "__pycache__/x.pyc").write_bytes(b"x")

    first, second = pack({"web": one}, tmp_path / "a"), pack({"web": two}, tmp_path / "b")

    assert first == second
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert first.contents["web"]["version"] == "1.2.3"
    assert first.contents["web"]["recipes"] == ["default"]
    assert first.contents["web"]["files"]["files/run"][:2] == [0o755, 10]


def test_S8_what_was_packed_is_unpacked_and_verified(tmp_path: Path) -> None:
    info = pack({"web": cookbook(tmp_path / "web")}, tmp_path / "a")

    unpack(tmp_path / "a", tmp_path / "out", digest=info.digest, size=info.size)

    verify_unpacked(tmp_path / "out", info.contents)
    assert (tmp_path / "out/web/files/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/web/recipes/default.py").stat().st_mode & 0o777 == 0o644


def change(root: Path) -> None:
    (root / "web/recipes/default.py").write_text("evil\n")


def grow(root: Path) -> None:
    (root / "web/recipes/new.py").write_text("")


def lose(root: Path) -> None:
    (root / "web/files/run").unlink()


def link(root: Path) -> None:
    (root / "web/files/run").unlink()
    (root / "web/files/run").symlink_to("../recipes/default.py")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [(change, "was changed"), (grow, "was not in the bundle"), (lose, "is missing"), (link, "cannot be read")],
)
def test_S8_a_file_changed_after_unpacking_is_found(tmp_path: Path, tamper: Callable[[Path], None], says: str) -> None:
    info = pack({"web": cookbook(tmp_path / "web")}, tmp_path / "a")
    unpack(tmp_path / "a", tmp_path / "out", digest=info.digest, size=info.size)

    tamper(tmp_path / "out")

    with pytest.raises(BadBundle, match=says):
        verify_unpacked(tmp_path / "out", info.contents)


def test_S8_nothing_is_written_before_size_and_digest_are_right(tmp_path: Path) -> None:
    info = pack({"web": cookbook(tmp_path / "web")}, tmp_path / "a")

    with pytest.raises(BadBundle, match="bytes, signed were"):
        unpack(tmp_path / "a", tmp_path / "out", digest=info.digest, size=info.size + 1)
    with pytest.raises(BadBundle, match="is not the bundle"):
        unpack(tmp_path / "a", tmp_path / "out", digest="0" * 64, size=info.size)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "web"]


def test_a_link_in_a_cookbook_is_refused_when_packing(tmp_path: Path) -> None:
    (cookbook(tmp_path / "web") / "files/link").symlink_to("/etc/shadow")

    with pytest.raises(BadBundle, match="neither a file nor a folder"):
        pack({"web": tmp_path / "web"}, tmp_path / "a")


def entry(
    name: str, *, kind: bytes = tarfile.REGTYPE, data: bytes = b"", to: str = "", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(data), to, mode
    return info, data


MALICIOUS = {
    "a path above": [entry("../evil")],
    "a path above, later": [entry("a/../../evil")],
    "an absolute path": [entry("/tmp/evil")],
    "a dot": [entry("./a")],
    "an empty part": [entry("a//b")],
    "a backslash": [entry("..\\evil")],
    "a symbolic link": [entry("a", kind=tarfile.SYMTYPE, to="/etc")],
    "a link and a file through it": [entry("a", kind=tarfile.SYMTYPE, to=".."), entry("a/evil")],
    "a hard link": [entry("a"), entry("b", kind=tarfile.LNKTYPE, to="a")],
    "a device": [entry("a", kind=tarfile.CHRTYPE)],
    "a pipe": [entry("a", kind=tarfile.FIFOTYPE)],
    "the same file twice": [entry("a"), entry("a")],
    "a file that was a folder": [entry("a", kind=tarfile.DIRTYPE), entry("a")],
    "a folder that was a file": [entry("a"), entry("a/b")],
    "names that differ by case": [entry("a/Readme"), entry("a/README")],
    "folders that differ by case": [entry("A/x"), entry("a/y")],
    "names that differ by accents' spelling": [entry("caf\u00e9"), entry("cafe\u0301")],
    "a control character": [entry("a\nb")],
    "a very long name": [entry("x" * 300)],
    "a very deep path": [entry("/".join("a" * 70))],
    "a very long path": [entry("/".join(["x" * 250] * 5))],
    "a bomb": [entry("a", data=b"\0" * (30 << 20))],
}


@pytest.mark.parametrize("name", MALICIOUS)
def test_S21_a_malicious_archive_is_refused_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    archive, digest, size = packed(tmp_path, MALICIOUS[name])

    with pytest.raises(BadBundle):
        unpack(archive, tmp_path / "in" / "out", digest=digest, size=size)

    assert [p.name for p in tmp_path.iterdir() if p.name != "in"] == ["bundle"]
    assert list((tmp_path / "in").rglob("*")) == []


def test_S21_an_archive_of_very_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle.MAX_ENTRIES == 20_000
    monkeypatch.setattr(bundle, "MAX_ENTRIES", 20)
    archive, digest, size = packed(tmp_path, [entry(f"f{n}") for n in range(21)])

    with pytest.raises(BadBundle, match="more than 20 entries"):
        unpack(archive, tmp_path / "out", digest=digest, size=size)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", gzip.compress(b"no tar at all" * 100), gzip.compress(b"\0" * 1024)[:-4]],
    ids=["empty", "text", "gzip of no tar", "cut off"],
)
def test_S21_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bundle").write_bytes(data)

    with pytest.raises(BadBundle):
        unpack(tmp_path / "bundle", tmp_path / "out", digest=hashlib.sha256(data).hexdigest(), size=len(data))

    assert not (tmp_path / "out").exists()


def test_S21_set_id_bits_and_owners_of_an_archive_do_not_count(tmp_path: Path) -> None:
    info, data = entry("a", mode=0o6777)
    info.uid = info.gid = 12345
    archive, digest, size = packed(tmp_path, [(info, data)])

    unpack(archive, tmp_path / "out", digest=digest, size=size)

    found = (tmp_path / "out/a").stat()
    assert found.st_mode & 0o7777 == 0o755
    assert found.st_uid == os.geteuid()


def packed(root: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> tuple[Path, str, int]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    data = gzip.compress(buffer.getvalue(), mtime=0)
    (root / "bundle").write_bytes(data)
    return root / "bundle", hashlib.sha256(data).hexdigest(), len(data)
