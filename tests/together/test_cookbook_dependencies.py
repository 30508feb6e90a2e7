"""Dependencies of cookbooks between real processes: a repository behind git's own daemon, a server, an agent, the CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.cookbook.deps.place import Place, cookbook
from tests.fakes.repository import Repository
from tests.together.house import House
from toque_server.cli.demo.repository import GitDaemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, GitDaemon]]:
    folder = tmp_path_factory.mktemp("git")
    served = GitDaemon(folder)
    yield folder, served
    served.stop()


@pytest.fixture(scope="module")
def web1(house: House) -> str:
    instance = house.join("web1")
    house.wait_for(instance, "online")
    return instance


def author(house: House, root: Path) -> Place:
    """A folder in which `toque cookbook …` speaks to the house's server."""
    secrets = {"TOQUE_SERVER_URL": house.server.url, "TOQUE_API_TOKEN": house.server.secrets["api_token"]}
    return Place(root, secrets)


def test_01_23_update_custom_cookbooks_fetches_what_cookbooks_lock_says_and_false_ignores_it(
    house: House, web1: str, daemon: tuple[Path, GitDaemon]
) -> None:
    folder, served = daemon
    recipe = "from toque import log, node\n\nlog(f'nginx of a dependency on {node.hostname}')\n"
    Repository(folder / "nginx", cookbook("nginx", "1.4.0", folder="") | {"recipes/default.py": recipe})
    place = author(house, house.cookbooks.path)
    place.wants(f'[cookbooks]\nnginx = {{ git = "{served.url("nginx")}", version = "~=1.4" }}\n').ok("deps", "lock")

    house.publish()
    ignored = house.run("nginx", on=[web1])
    house.api("UpdateStack", StackId=house.stack_id, ChefConfiguration={"ManageBerkshelf": True})
    house.publish()
    taken = house.run("nginx", on=[web1])

    assert ignored["Status"] == "failed"
    assert taken["Status"] == "successful", house.api.log_of(taken)
    assert "nginx of a dependency on web1" in house.api.log_of(taken)


def test_an_update_without_the_dependency_s_repository_takes_it_from_the_server_s_cache(
    house: House, web1: str, daemon: tuple[Path, GitDaemon]
) -> None:
    daemon[1].stop()

    house.publish(fresh="from toque import include_recipe, log\n\ninclude_recipe('nginx')\nlog('fresh')\n")
    command = house.run("work::fresh", on=[web1])

    assert "nginx of a dependency on web1" in house.api.log_of(command)


def test_a_stale_lock_fails_the_command_and_its_log_names_the_command_to_run(house: House, web1: str) -> None:
    text = (house.cookbooks.path / "cookbooks.toml").read_text()
    house.cookbooks.commit("Ask for more", **{"cookbooks.toml": text.replace("~=1.4", "~=1.3")})

    [command] = house.order("update_custom_cookbooks", on=[web1])

    assert (command["Status"], command["ExitCode"]) == ("failed", 3)
    assert "run `toque cookbook deps lock` in the folder of cookbooks.toml" in house.api.log_of(command)


def test_published_cookbooks_of_one_stack_are_a_source_for_others(house: House, tmp_path: Path) -> None:
    shelf = house.api(
        "CreateStack",
        Name="Shared cookbooks",
        Region="local",
        ServiceRoleArn="arn:aws:iam::123456789012:role/toque",
        DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/toque",
    )["StackId"]
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        shared = author(house, tmp_path / f"shared-{version}").write(cookbook("ntp", version, 'base = "*"\n'))
        shared.write(cookbook("base")).ok("publish", "--stack", shelf)
    mine = author(house, tmp_path / "mine").write(cookbook("shop", "0.1.0", 'ntp = "<2"\n'))
    mine.wants(f'[sources]\nmain = {{ server = "{house.server.url}", stack = "Shared cookbooks" }}\n')

    mine.ok("deps", "lock")

    assert mine.ok("deps", "tree").output == "shop 0.1.0\n    ntp 1.1.0  (<2)\n        base 1.0.0  (*)\n"
    mine.ok("package")
    mine.write(cookbook("shop", "0.1.0", 'ntp = ">=3"\n'))
    said = mine.refused("deps", "lock")
    assert "shop/cookbook.toml:6: shop 0.1.0 needs ntp >=3; of ntp there is " in said
    assert "2.0.0 (server main)" in said
    mine.environment["TOQUE_SERVER_URL"] = "http://127.0.0.2:1"
    assert "whose credentials go to no other" in mine.refused("deps", "update")
