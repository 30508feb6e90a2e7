from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.agent.cookbook.deps.place import Place, cookbook
from toque.cookbook.execute import apply_file
from toque.cookbook.locked import with_locked
from toque.core.errors import NotLoadable
from toque.testing.cookbooks import around


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """`shop` with the locked dependency `nginx`, in the current folder."""
    Place(tmp_path / "beside").write(cookbook("nginx", "1.4.0") | {"nginx/words.py": "WORD = 'theirs'\n"})
    made = Place(tmp_path / "mine").write(cookbook("shop", "0.1.0", 'nginx = "*"\n'))
    made.write(
        {"shop/recipes/default.py": "from cookbooks.nginx.words import WORD\nfrom toque import log\n\nlog(WORD)\n"}
    )
    made.wants('[cookbooks]\nnginx = { path = "../beside/nginx" }\n').ok("deps", "lock")
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.cache))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(made.root)
    return made


@pytest.mark.parametrize("recipe", ["shop", "shop/recipes/default.py"])
def test_a_plan_sees_the_locked_cookbooks_beside_the_own(
    place: Place, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply_file(recipe if "/" in recipe else f"{recipe}::default", dry_run=True) in (0, 10)
    assert "theirs" in capsys.readouterr().out


def test_own_files_lie_over_a_dependency_s_in_a_plan_too(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.write({"nginx/words.py": "WORD = 'ours'\n"})

    apply_file("shop::default", dry_run=True)

    assert "ours" in capsys.readouterr().out


def test_what_was_never_fetched_here_is_no_cookbook_and_the_error_says_what_to_run(place: Place) -> None:
    shutil.rmtree(place.cache)

    with pytest.raises(NotLoadable, match="`toque cookbook deps lock` fetches what is locked"):
        with_locked(place.root)


def test_without_a_lock_there_are_the_own_cookbooks_alone(place: Place) -> None:
    (place.root / "cookbooks.lock").unlink()

    assert list(with_locked(place.root)) == ["shop"]


def test_check_sees_the_locked_cookbooks_and_finds_a_lock_that_is_stale(place: Place) -> None:
    place.write({"shop/recipes/default.py": "from cookbooks.nginx.words import WORT\n\nprint(WORT)\n"})

    said = place.refused("check")
    assert "shop/recipes/default.py:1: " in said
    assert "WORT" in said
    place.write(cookbook("shop", "0.1.0", 'nginx = "<1"\n'))
    said = place.refused("check", "--no-types")
    assert "cookbooks.lock: is older than cookbooks.toml" in said
    assert "  [lock]" in said


def test_a_test_of_a_cookbook_sees_the_locked_cookbooks(place: Place) -> None:
    found = around(place.root / "shop" / "tests" / "test_shop.py")

    assert sorted(found) == ["nginx", "shop"]
    assert found["shop"] == place.root / "shop"
