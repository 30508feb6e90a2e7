from __future__ import annotations

from pathlib import Path

from toque.sandbox.skeleton import Part, parts


def test_a_directory_with_mounts_beneath_is_split_into_its_children(tmp_path: Path) -> None:
    for name in ("usr/lib", "var/lib/docker", "var/log", "home/me"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    mounts = [tmp_path / "var/lib/docker"]

    found = list(parts(mounts, {tmp_path / "home"}, root=tmp_path))

    assert found == [
        Part(tmp_path / "home", plain=True),
        Part(tmp_path / "usr", plain=False),
        Part(tmp_path / "var", plain=True, split=True),
        Part(tmp_path / "var/lib", plain=True, split=True),
        Part(tmp_path / "var/lib/docker", plain=True),
        Part(tmp_path / "var/log", plain=False),
    ]
