"""kitchen.toml: what a suite may say, and how it is told that it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.cookbook.layout import CookbookInfo
from toque.testing.kitchen.config import BadKitchen, Suite, suites_of

WEB = CookbookInfo("web", "1.0", ("configure", "default"))


def test_without_the_file_there_is_one_suite_with_the_default_recipe(tmp_path: Path) -> None:
    assert suites_of(tmp_path, WEB) == [Suite("default", ("web::default",))]


def test_a_cookbook_without_the_recipe_default_is_tried_with_its_first(tmp_path: Path) -> None:
    assert suites_of(tmp_path, CookbookInfo("web", "1.0", ("stop",)))[0].recipes == ("web::stop",)
    assert suites_of(tmp_path, CookbookInfo("web", "1.0", ())) == []


def test_suites_are_read_with_their_world(tmp_path: Path) -> None:
    (tmp_path / "kitchen.toml").write_text(
        """\
        [driver]
        network = "own"
        [[suite]]
        name = "alone"
        recipes = ["web::default"]
        layers = ["web"]
        attributes = {web = {port = 8080}}
        [[suite]]
        name = "many"
        recipes = ["web", "other::default"]
        verify = "tests/many"
        [suite.peers.web2]
        layers = ["web"]
        """
    )

    alone, many = suites_of(tmp_path, WEB)

    assert alone.attributes == {"web": {"port": 8080}}
    assert (alone.layers, alone.verify, alone.driver.network) == (("web",), "tests/kitchen", "own")
    assert (many.recipes, many.verify, many.peers) == (
        ("web", "other::default"),
        "tests/many",
        {"web2": {"layers": ["web"]}},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[suite]\n", ":1: "),
        ("[[suites]]\n", r":1: there is no table \[suites\] \(did you mean suite\?\)"),
        ("", r"needs at least one table \[\[suite\]\]"),
        ('[[suite]]\nname = "a"\n', r'suite a needs recipes = \["web::default"\]'),
        ('[[suite]]\nname = "A"\nrecipes = ["web"]\n', ":2: a suite's name is"),
        ('[[suite]]\nrecipes = ["web::defualt"]\n', ":2: there is no recipe web::defualt .did you mean default"),
        (
            '[[suite]]\nrecipes = ["web"]\natributes = {}\n',
            r":3: \[suite\] has no atributes \(did you mean attributes\?\)",
        ),
        ('[[suite]]\nrecipes = ["web"]\nattributes = 1\n', ":3: suite default: attributes must be a table, got 1"),
        ('[driver]\nname = "docker"\n[[suite]]\nrecipes = ["web"]\n', ":2: driver name must be sandbox, got 'docker'"),
        ('[driver]\nsize_limit_mb = 0\n[[suite]]\nrecipes = ["web"]\n', ":2: driver size_limit_mb must be"),
        ('[[suite]]\nrecipes = ["web"]\n[[suite]]\nrecipes = ["web"]\n', "two suites are called 'default'"),
    ],
    ids=["toml", "table", "empty", "recipes", "name", "recipe", "key", "kind", "driver", "limit", "twice"],
)
def test_what_it_may_not_say_is_told_with_line_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "kitchen.toml").write_text(text)

    with pytest.raises(BadKitchen, match=said):
        suites_of(tmp_path, WEB)
