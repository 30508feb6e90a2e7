from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.resources.compose import Compose
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.containers import Containers

PATH = "/srv/shop/compose.yaml"
ONE = "services:\n  web: {image: nginx}\n"
TWO = "services:\n  web: {image: nginx}\n  migrate: {image: shop}\n  debug: {image: box, profiles: [debug]}\n"
PODMAN = ("/usr/bin/podman", "/usr/bin/podman-compose")


def machine(*recipes: Compose, file: str | None = None, paths: tuple[str, ...] = PODMAN) -> FakeHost:
    """A machine on which these recipes were applied before."""
    files: dict[str, bytes | str | Node] = {"/srv/shop": Node("directory", mode=0o755)}
    if file is not None:
        files[PATH] = file
    host = FakeHost(files=files, programs=[Containers()], paths=paths)
    for each in recipes:
        converge(each, host)
    host.ran.clear()
    return host


def example_machine() -> FakeHost:
    return machine()


def shop(content: str | None = ONE, **given: Any) -> Compose:
    return Compose(PATH, content=content, **given)


TOOL = f"podman-compose --project-name shop --file {PATH}"
UP = f"{TOOL} up --detach --remove-orphans"
NOTE = "write /srv/shop/.compose.yaml.toque-up"


def test_the_file_is_kept_and_brought_up() -> None:
    host = machine()

    converge(shop(), host)

    assert host.ran == [f"write {PATH}", UP, NOTE]
    assert host.nodes[PATH].mode == 0o600
    assert converge(shop(), host) is None


def test_another_file_is_brought_up_again() -> None:
    host = machine(shop())

    change = converge(shop(TWO, once=["migrate"]), host)

    assert change is not None
    assert change.fields == {"content"}
    assert host.ran == [f"write {PATH}", f"{TOOL} down", UP, NOTE]


def test_another_environment_is_brought_up_again_and_is_on_no_command_line() -> None:
    host = machine(shop(environment={"TOKEN": Secret("hush! 1")}))

    change = converge(shop(environment={"TOKEN": Secret("hush! 2")}), host)

    assert change is not None
    assert change.fields == {"up"}
    assert "hush!" not in " ".join(host.ran)


def test_a_file_of_somebody_else_is_only_brought_up() -> None:
    host = machine(file=TWO)

    change = converge(shop(None, profiles=["debug"]), host)

    assert change is not None
    assert change.want is not None
    assert change.want.services == ("debug", "migrate", "web")
    assert f"write {PATH}" not in host.ran


def test_a_service_that_is_not_running_is_brought_up() -> None:
    host = machine(shop())
    host.run(["podman", "stop", "--", "shop_web_1"])

    change = converge(shop(), host)

    assert change is not None
    assert change.fields == {"services"}


def test_its_services_are_stopped_or_left_alone() -> None:
    host = machine(shop())

    assert converge(shop(running=None), host) is None
    converge(shop(running=False), host)

    assert host.ran == [f"{TOOL} stop"]


def test_docker_has_compose_as_a_verb() -> None:
    host = machine(paths=("/usr/bin/docker",))

    converge(shop(), host)
    converge(shop(TWO, project="other", profiles=["debug"]), host)

    assert host.ran[1] == f"docker compose --project-name shop --file {PATH} up --detach --remove-orphans"
    assert "docker compose --project-name other" in host.ran[-2]
    assert "--profile debug up" in host.ran[-2]


def test_what_it_made_is_taken_away_and_the_file_stays() -> None:
    host = machine(shop())

    converge(shop(None, present=False), host)

    assert host.ran == [f"{TOOL} down", "remove /srv/shop/.compose.yaml.toque-up"]
    assert host.read(PATH) is not None


def test_without_an_engine_or_a_file_it_says_what_is_missing() -> None:
    with pytest.raises(ToqueError, match=r'podman or docker is not on this machine: package\("podman"\) comes first'):
        converge(shop(), machine(paths=()))
    with pytest.raises(ToqueError, match=f"no compose file at {PATH}"):
        converge(shop(None), machine())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "compose.yaml"}, "absolute path"),
        ({"project": "-p"}, "project must be"),
        ({"path": "/srv/My Shop/compose.yaml"}, "project must be"),
        ({"profiles": ["--x"]}, "profiles and once"),
        ({"environment": {"A=B": "x"}}, "environment must map"),
        ({"content": "services: ["}, "is no YAML"),
        ({"content": "version: 3"}, "must have a mapping `services`"),
    ],
    ids=lambda value: "-".join(map(repr, value.items())) if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Compose(**{"path": PATH, **wrong})


CASES = [
    Case(want, host)
    for want in (
        shop(),
        shop(TWO, once=["migrate"], profiles=["debug"]),
        shop(running=False),
        shop(running=None),
        shop(None, present=False),
    )
    for host in (
        machine,
        partial(machine, shop()),
        partial(machine, file=TWO),
        partial(machine, paths=("/usr/bin/docker",)),
    )
]
