from __future__ import annotations

from pathlib import Path

import pytest

from toque.cookbook.layout import BadCookbook, find_cookbooks, load_cookbook


def cookbook(root: Path, toml: str = '[cookbook]\nname = "web"\n') -> Path:
    (root / "recipes").mkdir(parents=True)
    (root / "cookbook.toml").write_text(toml)
    return root


def test_a_cookbook_says_its_name_version_and_recipes(tmp_path: Path) -> None:
    toml = '[cookbook]\nname = "web"\nversion = "1.2"\nplatforms = ["debian"]\n[requires]\nbase-x = ">=1"\n'
    root = cookbook(tmp_path, toml)
    for name in ("setup", "default", "__init__"):
        (root / "recipes" / f"{name}.py").write_text("")

    info = load_cookbook(root)

    assert (info.name, info.version, info.recipes) == ("web", "1.2", ("default", "setup"))
    assert (info.platforms, info.requires) == (("debian",), {"base-x": ">=1"})


@pytest.mark.parametrize(
    ("toml", "line", "says"),
    [
        ("[cookbook\n", 1, "at line 1"),
        ('[cookbook]\nname = "web"\nname = "x"\n', 3, "at line 3"),
        ('[cookbok]\nname = "web"\n', 1, r"no table \[cookbok\] \(did you mean cookbook\?\)"),
        ('[cookbook]\nname = "web"\nverison = "1"\n', 3, r"no verison \(did you mean version\?\)"),
        ('[cookbook]\nname = "Web"\n', 2, "name must be lower-case"),
        ('[cookbook]\nname = "web"\nversion = "one"\n', 3, "version must look like"),
        ('[cookbook]\nname = "web"\nplatforms = "debian"\n', 3, "platforms must be a list"),
        ('[cookbook]\nname = "web"\n[requires]\nbase = 1\n', 4, "base must be a version"),
        ("", 1, r"needs a table \[cookbook\]"),
    ],
)
def test_a_wrong_manifest_is_refused_with_file_and_line(tmp_path: Path, toml: str, line: int, says: str) -> None:
    with pytest.raises(BadCookbook, match=says) as bad:
        load_cookbook(cookbook(tmp_path, toml))

    assert str(bad.value).startswith(f"{tmp_path}/cookbook.toml:{line}: ")


def test_S22_a_recipe_whose_file_name_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (cookbook(tmp_path) / "recipes" / "Set Up.py").write_text("")

    with pytest.raises(BadCookbook, match="a recipe's file name"):
        load_cookbook(tmp_path)


def test_a_repository_has_one_folder_per_cookbook_or_is_one(tmp_path: Path) -> None:
    cookbook(tmp_path / "a")
    cookbook(tmp_path / "b", '[cookbook]\nname = "base"\n')
    (tmp_path / "docs").mkdir()

    assert find_cookbooks(tmp_path) == {"web": tmp_path / "a", "base": tmp_path / "b"}
    assert find_cookbooks(tmp_path / "a") == {"web": tmp_path / "a"}
    assert find_cookbooks(tmp_path / "nowhere") == {}


def test_two_cookbooks_of_one_name_are_refused(tmp_path: Path) -> None:
    cookbook(tmp_path / "a")
    cookbook(tmp_path / "b")

    with pytest.raises(BadCookbook, match="is a cookbook web as well"):
        find_cookbooks(tmp_path)
