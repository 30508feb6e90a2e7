"""A cookbook with dependencies from its author's folder to a machine: locked, packed, published, run in a sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import toque
from tests.agent.cookbook.deps.place import cookbook, manifest, tarball
from tests.fakes.repository import Repository
from tests.fakes.web import Page, Web
from tests.needs import needs, needs_root
from tests.system.fleet import Fleet, sandboxes
from tests.together.house import TOQUE, House

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(200), needs_root(), needs("git")]

DEFAULT = """
from cookbooks.greetings.words import hello
from toque import directory, file, include_recipe, node

directory("/etc/shop")
file("/etc/shop/greeting", content=hello(node.hostname))
include_recipe("motd")
include_recipe("limits::files")
"""
WORDS = 'def hello(name: str) -> str:\n    return f"hello {name}\\n"\n'
MOTD = 'from toque import template\n\ntemplate("/etc/shop/motd", source="motd.j2", owner_of="shop")\n'
LIMITS = 'from toque import file, settings\n\nfile("/etc/shop/limits", content=f"nofile {settings.files}\\n")\n'
SETTINGS = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Settings:\n    files: int = 1024\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with sandboxes(tmp_path_factory.mktemp("dependencies"), {"default": "\n"}) as opened:
        yield opened


@pytest.fixture
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


class Author:
    """`toque cookbook …` as a process in a folder, with a cache of its own."""

    def __init__(self, folder: Path, house: House, cache: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(Path(toque.__path__[0]).parent), os.environ.get("PYTHONPATH", "")]),
            "XDG_CACHE_HOME": str(cache),
            "TOQUE_SERVER_URL": house.server.url,
            "TOQUE_API_TOKEN": house.server.secrets["api_token"],
            "TOQUE_ALLOW_INSECURE_SOURCES": "1",
        }

    def __call__(self, *words: str) -> str:
        argv = [*TOQUE, "cookbook", *words]
        done = subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_cookbook_with_two_dependencies_from_git_and_one_from_an_archive_runs_on_a_sandbox(
    fleet: Fleet, web: Web, tmp_path: Path
) -> None:
    greetings = Repository(tmp_path / "greetings", cookbook("greetings", "1.2.0", folder="") | {"words.py": WORDS})
    greetings.git("tag", "v1.2.0")
    greetings.commit({"words.py": "def hello(name: str) -> str:\n    return 'of a later commit'\n"})
    motd = {"ops/motd/cookbook.toml": manifest("motd", "0.3", 'limits = ">=2"\n'), "ops/motd/recipes/default.py": MOTD}
    many = Repository(tmp_path / "many", motd | {"ops/motd/templates/motd.j2": "this is a {{ owner_of }}\n"})
    limits = cookbook("limits", "2.1.0", folder="limits-2.1.0")
    inner = limits | {"limits-2.1.0/recipes/files.py": LIMITS, "limits-2.1.0/settings.py": SETTINGS}
    web.pages["/limits-2.1.0.tar.gz"] = Page(tarball(inner))
    needs_them = 'greetings = "~=1.2"\nmotd = "*"\nlimits = ">=2, <3"\n'
    mine = written(
        tmp_path / "mine",
        {"shop/cookbook.toml": manifest("shop", "0.1.0", needs_them), "shop/recipes/default.py": DEFAULT},
    )
    author = Author(mine, fleet.house, tmp_path / "cache")

    (mine / "cookbooks.toml").write_text(
        "[cookbooks]\n"
        f'greetings = {{ git = "{greetings.path}", tag = "v1.2.0" }}\n'
        f'motd = {{ git = "file://{many.path}", path = "ops/motd" }}\n'
    )
    author("deps", "add", "limits", "--archive", f"{web.url}/limits-2.1.0.tar.gz")
    packages = []
    for number, cache in enumerate((tmp_path / "cache", tmp_path / "another cache")):
        elsewhere = shutil.copytree(mine, tmp_path / f"copy-{number}", copy_function=shutil.copyfile)
        Author(elsewhere, fleet.house, cache)("package", "-o", "shop.tar.gz")
        packages.append((elsewhere / "shop.tar.gz").read_bytes())
    author("package", "--verify", str(tmp_path / "copy-1" / "shop.tar.gz"))
    digest = author("publish", "--stack", fleet.house.stack_id).strip()
    box = fleet.create("shop1")
    fleet.start(box)
    command = fleet.house.run("shop", on=[box])

    assert packages[0] == packages[1]
    assert command["Status"] == "successful", fleet.api.log_of(command)
    assert fleet.inside(box, "cat", "/etc/shop/greeting") == "hello shop1"
    assert fleet.inside(box, "cat", "/etc/shop/motd") == "this is a shop"
    assert fleet.inside(box, "cat", "/etc/shop/limits") == "nofile 1024"
    assert fleet.api("DescribeCookbooks", StackId=fleet.house.stack_id)["Running"] == {box: digest}
