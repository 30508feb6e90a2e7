"""`toque cookbook lint`, `check` and `docs`, as an author runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toque.cli.verbs.cookbook import cookbook

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = '[cookbook]\nname = "web-shop"\nversion = "1.2.0"\ndescription = "The shop"\nplatforms = ["debian"]\n'
SETTINGS = '''\
"""Settings of the shop."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    connections: int = 100
    """How many at once."""


@dataclass(frozen=True)
class Settings:
    """What the shop needs."""

    port: int = 80
    """Port of the front end."""
    limits: Limits = field(default_factory=Limits)
    name: str = "shop"
'''
RECIPE = '''\
"""Install the shop.

More about it.
"""

from cookbooks.web_shop.site import keep_site

from toque import package, service, settings

package("nginx")
conf = keep_site(settings.port)
service("nginx", restart_on=[conf])
'''
SITE = '''\
"""The site's file."""

from toque import file
from toque.resources.file import File


def keep_site(port: int) -> File:
    """Keep the file of the site."""
    return file("/etc/site", content=f"port {port}\\n")
'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {
        "cookbook.toml": MANIFEST,
        "settings.py": SETTINGS,
        "recipes/default.py": RECIPE,
        "site.py": SITE,
        "tests/test_default.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "cookbooks/web-shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "cookbooks/web-shop"


def call(*words: str) -> Result:
    return CliRunner().invoke(cookbook, list(words))


def test_a_sound_cookbook_has_nothing_said_of_it(shop: Path) -> None:
    assert call("lint", str(shop)).output == "nothing to say\n"
    checked = call("check", str(shop))
    assert (checked.exit_code, checked.output) == (0, "everything fits: web-shop\n")


def test_a_folder_inside_a_cookbook_means_the_cookbook(shop: Path) -> None:
    assert call("lint", str(shop / "recipes")).exit_code == 0
    refused = call("lint", str(shop.parent.parent / "cookbooks/.."))
    assert refused.exit_code == 0, "a repository has its cookbooks in a folder"


def test_findings_name_the_line_and_what_to_do_and_fix_mends_them(shop: Path) -> None:
    (shop / "recipes/odd.py").write_text('import json\nfrom toque import file\nfile("/a", mode=644)\n')

    found = call("lint", str(shop))
    fixed = call("lint", "--fix", str(shop))

    assert found.exit_code == 1
    assert (
        "odd.py:3:17 TQ201 a mode is text, and 644 is a number [--fix mends it]\n    write it as text" in found.output
    )
    assert "odd.py:1:8 F401" in found.output
    assert fixed.exit_code == 0, fixed.output
    assert (shop / "recipes/odd.py").read_text() == 'from toque import file\n\nfile("/a", mode="0644")\n'


def test_findings_for_programs_are_json(shop: Path) -> None:
    (shop / "recipes/odd.py").write_text('from toque import file\n\nfile("a")\n')

    [finding] = json.loads(call("lint", "--output=json", str(shop)).stdout)

    assert (finding["rule"], finding["line"], Path(finding["path"]).name) == ("TQ208", 3, "odd.py")


def test_the_rules_are_listed_with_their_reasons() -> None:
    listed = call("lint", "--rules").output

    assert "TQ101  run-each-time\n       Without a check it runs in every run" in listed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('package("nginx", versoin="1")', 'Unexpected keyword argument "versoin"; did you mean "version"?'),
        ('service("nginx", running="yes")', 'incompatible type "str"; expected "bool | None"'),
        ("service('nginx', restart_on=[cnof])", 'Name "cnof" is not defined'),
        ("service('nginx', restart_on=['conf'])", "List item 0 has incompatible type"),
        ("keep_site(settings.prot)", '"Settings" has no attribute "prot"'),
        ("keep_site(settings.name)", 'incompatible type "str"; expected "int"'),
    ],
    ids=["property", "type", "reference", "text as reference", "setting", "setting's type"],
)
def test_types_are_checked_strictly_and_the_line_is_the_authors(line: str, said: str, shop: Path) -> None:
    path = shop / "recipes/default.py"
    path.write_text(RECIPE + line + "\n")

    checked = call("check", str(shop))

    assert checked.exit_code == 1
    assert f"recipes/default.py:{len(RECIPE.splitlines()) + 1}: " in checked.output
    assert said in checked.output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cookbook.toml", MANIFEST + "[requires]\nother = 1\n", "[requires] other must be a version"),
        ("recipes/default.py", "def\n", "recipes/default.py:1: is not valid Python: invalid syntax"),
        ("settings.py", "import nothing_of_the_kind\n", "cannot be loaded: ModuleNotFoundError"),
        ("settings.py", "Settings = 1\n", "needs a frozen dataclass called Settings"),
        (
            "settings.py",
            SETTINGS.replace('name: str = "shop"', "name: str = 7"),
            "Settings.name: must be text; got number 7",
        ),
    ],
    ids=["manifest", "syntax", "import", "no class", "default"],
)
def test_what_is_wrong_with_a_file_is_said_of_that_file(name: str, text: str, said: str, shop: Path) -> None:
    (shop / name).write_text(text)

    checked = call("check", str(shop))

    assert checked.exit_code == 1
    assert said in checked.output


def test_a_neighbour_of_another_version_is_named(shop: Path) -> None:
    other = shop.parent / "base"
    (other / "recipes").mkdir(parents=True)
    (other / "cookbook.toml").write_text('[cookbook]\nname = "base"\nversion = "1.0"\n')
    (shop / "cookbook.toml").write_text(MANIFEST + '[requires]\nbase = ">=2"\n')

    assert "requires base >=2, and base is 1.0 here" in call("check", "--no-types", str(shop.parent)).output


def test_a_folder_without_a_cookbook_says_what_one_is(tmp_path: Path) -> None:
    refused = call("check", str(tmp_path))

    assert refused.exit_code == 1
    assert "a cookbook is a folder with a cookbook.toml" in refused.output


def test_the_manual_is_made_of_the_cookbook(shop: Path, tmp_path: Path) -> None:
    page = call("docs", str(shop)).output

    assert "# web-shop 1.2.0\n\nThe shop\n" in page
    assert "| `web-shop::default` | Install the shop. |" in page
    assert "| `port` | `int` | `80` | Port of the front end. |" in page
    assert "| `limits.connections` | `int` | `100` | How many at once. |" in page

    out = tmp_path / "manual"
    assert call("docs", "--check", "--out", str(out), str(shop)).exit_code == 1
    assert call("docs", "--out", str(out), str(shop)).exit_code == 0
    assert call("docs", "--check", "--out", str(out), str(shop)).exit_code == 0
    assert (out / "web-shop.md").read_text() == page
