"""Words that a cookbook brings: `resources/WORD.py`, written like our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agent.cookbook.test_execute import RunDirectory
from toque.cookbook.execute import execute_run
from toque.core.resource import REGISTRY

VHOST = '''\
"""vhost: a site of nginx."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from toque import Secret
from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource


@dataclass(frozen=True)
class VhostState:
    content: bytes | None = None


@resource("vhost")
@dataclass(frozen=True)
class Vhost(Resource[VhostState]):
    """Keep a site: vhost("shop", port=8080)."""

    name: str
    _: KW_ONLY
    port: int = 80
    key: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise BadProperty(f"vhost port must be 1 to 65535, got {self.port}")

    def desired(self) -> VhostState:
        return VhostState(f"listen {self.port};\\n".encode())

    def current(self, host: Host) -> VhostState | None:
        found = host.read(f"OUT/{self.name}.conf")
        return None if found is None else VhostState(found)

    def apply(self, host: Host, change: Change[VhostState]) -> None:
        host.write(f"OUT/{self.name}.conf", change.want.content)

    @action
    def check(self, host: Host) -> None:
        """Say that it is fine."""
        host.run(["sh", "-c", f"echo {self.name} {self.port} >> OUT/checked"])


vhost = recipe_word(Vhost)
'''
SITE = """\
from cookbooks.web_x.resources.vhost import vhost
site = vhost("shop", port=8080)
vhost("blog", notify=[site.check])
"""
FAILS = SITE + "\nraise RuntimeError('the power went out')\n"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def web(run: RunDirectory, kind: str = "custom", vhost: str = VHOST, name: str = "web-x", **recipes: str) -> Path:
    root = run.cookbook(name, kind, **recipes)
    (root / "resources").mkdir()
    (root / "resources" / "vhost.py").write_text(vhost.replace("OUT", str(run.out)))
    return root


def checked(run: RunDirectory) -> str:
    path = run.out / "checked"
    return path.read_text() if path.exists() else ""


def test_a_word_of_a_cookbook_converges_reports_and_notifies_like_ours(run: RunDirectory, capsys: Any) -> None:
    web(run, default=SITE)

    assert run.execute(["web-x"]) == 0
    assert run.execute(["web-x"]) == 0

    said = capsys.readouterr().out
    assert "vhost[shop] created\n" in said
    assert "    @@ -0,0 +1 @@\n    +listen 8080;\n" in said
    assert "2 resources: 0 changed, 2 unchanged" in said
    assert checked(run) == "shop 8080\n"
    first = json.loads((run.path / "report.jsonl").read_text().splitlines()[0])
    assert (first["word"], first["name"], first["status"]) == ("vhost", "shop", "changed")


def test_its_properties_are_checked_like_ours(run: RunDirectory, capsys: Any) -> None:
    word = "from cookbooks.web_x.resources.vhost import vhost\n"
    web(
        run,
        typo=word + "vhost('a', prot=1)\n",
        kind_of=word + "vhost('a', port='80')\n",
        big=word + "vhost('a', port=0)\n",
    )

    for recipe, says in [
        ("typo", "vhost has no property prot (did you mean port?)"),
        ("kind_of", "vhost port must be int; got str '80'"),
        ("big", "vhost port must be 1 to 65535, got 0"),
    ]:
        assert run.execute([f"web-x::{recipe}"]) == 1
        assert says in capsys.readouterr().out


def test_what_a_word_of_a_cookbook_owes_is_delivered_by_the_next_run(run: RunDirectory) -> None:
    web(run, default=FAILS, later="")
    run.cookbook("toque", "builtin", setup="", cleanup="")

    assert run.execute(["web-x"]) == 1
    (run.path / "steps.json").write_text('[{"phase": "system", "recipes": ["toque::setup"]}]')
    assert execute_run(run.path) == 0
    assert checked(run) == ""  # words of users' cookbooks are not there for the system
    cleanup = {"phase": "system", "recipes": ["toque::cleanup"]}
    assert run.execute(["web-x::later"], system=["toque::setup"], then=[cleanup]) == 0
    assert checked(run) == "shop 8080\n"
    assert run.execute(["web-x::later"]) == 0
    assert checked(run) == "shop 8080\n"


def test_a_debt_whose_cookbook_is_gone_is_dropped_with_a_warning(run: RunDirectory, capsys: Any) -> None:
    root = web(run, default=FAILS, later="")
    assert run.execute(["web-x"]) == 1
    (root / "resources" / "vhost.py").unlink()

    assert run.execute(["web-x::later"]) == 0
    assert "warning: vhost[shop].check is owed by an earlier run and cannot be done any more" in capsys.readouterr().out
    assert run.execute(["web-x::later"]) == 0
    assert "warning" not in capsys.readouterr().out


def test_a_debt_that_had_a_secret_waits_until_its_resource_is_declared_again(run: RunDirectory) -> None:
    secret = FAILS.replace("port=8080", "port=8080, key=Secret('correct-horse')").replace(
        "from cookbooks", "from toque import Secret\nfrom cookbooks", 1
    )
    root = web(run, default=secret, later="")
    assert run.execute(["web-x"]) == 1

    assert run.execute(["web-x::later"]) == 0
    assert checked(run) == ""
    (root / "recipes" / "default.py").write_text(secret.replace("raise", "# raise"))
    assert run.execute(["web-x"]) == 0
    assert checked(run) == "shop 8080\n"


def test_a_word_of_ours_cannot_be_taken(run: RunDirectory, capsys: Any) -> None:
    web(run, vhost=VHOST.replace('@resource("vhost")', '@resource("file")'), default=SITE)

    assert run.execute(["web-x"]) == 2
    assert "the word file is taken by toque.resources.file: give yours another name" in capsys.readouterr().out


def test_two_cookbooks_cannot_have_one_word(run: RunDirectory, capsys: Any) -> None:
    web(run, default=SITE + "from cookbooks.other.resources.vhost import vhost as other\n")
    web(run, name="other", default="")

    assert run.execute(["web-x"]) == 2
    assert "the word vhost is taken by cookbooks.web_x.resources.vhost" in capsys.readouterr().out


def test_no_word_of_a_cookbook_outlives_its_phase(run: RunDirectory) -> None:
    web(run, default=SITE)

    assert run.execute(["web-x"]) == 0
    assert "vhost" not in REGISTRY
