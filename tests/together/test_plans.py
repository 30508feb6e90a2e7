"""Plans on nodes: ordered at the server, told by the agent, and nothing is done."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs_root
from tests.together import house as houses
from tests.together.house import TOQUE, House
from toque.protocol.names import SOMETHING_TO_DO
from toque_server.cli.demo.api import wait_until

RECIPES = {
    "note": "from toque import file, node\n\nfile(node['note']['path'], content=f'by {node.hostname}\\n')\n",
    "nothing": "from toque import log\n\nlog('no more than this')\n",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.opened(tmp_path_factory.mktemp("house"), RECIPES) as opened:
        yield opened


@pytest.fixture(scope="module")
def web1(house: House) -> str:
    instance = house.join("web1")
    house.wait_for(instance, "online")
    house.wait_for_quiet()
    return instance


def planned(house: House, instance: str, recipe: str, **members: Any) -> tuple[dict[str, Any], str]:
    """How the command of a plan ended, and its log."""
    command = house.api("PlanRecipes", InstanceId=instance, Recipes=[f"work::{recipe}"], **members)["CommandId"]

    def read() -> dict[str, Any]:
        return dict(house.api("GetCommandLog", CommandId=command, Offset=0))

    wait_until("the plan to end", lambda: bool(read()["Complete"]), seconds=60)
    ended = read()
    return ended, str(ended["Text"])


def test_a_node_says_what_it_would_do_and_does_not_do_it(house: House, web1: str, tmp_path: Path) -> None:
    note = tmp_path / "note"

    ended, log = planned(house, web1, "note", CustomJson=f'{{"note": {{"path": "{note}"}}}}')

    assert (ended["Status"], ended["Reason"]) == ("successful", SOMETHING_TO_DO)
    assert f"file[{note}] would be created" in log
    assert "+by web1" in log
    assert not note.exists()
    assert house.status(web1) == "online"


def test_a_plan_with_nothing_to_do_has_no_reason(house: House, web1: str) -> None:
    ended, log = planned(house, web1, "nothing")

    assert (ended["Status"], ended.get("Reason", "")) == ("successful", "")
    assert "no more than this" in log


@pytest.mark.root
@needs_root()
def test_a_node_plans_on_a_clone_of_itself(house: House, web1: str) -> None:
    note = Path("/srv/toque-planned-on-a-clone")

    ended, log = planned(house, web1, "note", Clone=True, CustomJson=f'{{"note": {{"path": "{note}"}}}}')

    assert (ended["Status"], ended["Reason"]) == ("successful", SOMETHING_TO_DO), log
    assert f"Files\n  created {note} (0644 root:root)\n" in log
    assert not note.exists()


@pytest.mark.parametrize(("recipe", "code"), [("note", 10), ("nothing", 0), ("nowhere", 2)])
def test_the_command_line_prints_the_plan_of_a_node_and_ends_with_its_code(
    house: House, web1: str, tmp_path: Path, recipe: str, code: int
) -> None:
    note = f"note.path={tmp_path}/note"
    argv = [*TOQUE, "plan", f"work::{recipe}", "--node", "web1", "--stack", house.stack_id, "--set", note]
    environment = {
        **os.environ,
        "TOQUE_SERVER_URL": house.server.url,
        "TOQUE_API_TOKEN": house.server.secrets["api_token"],
    }

    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == code, done.stdout + done.stderr
    assert f"recipe work::{recipe}" in done.stdout or "there is no recipe" in done.stdout
    assert not (tmp_path / "note").exists()
