from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.core.host import SCRIPT
from toque.resources.container import Container
from toque.testing.machine import FakeHost
from toque.testing.programs.containers import Containers

DIGEST = f"sha256:{'5f' * 32}"
NGINX = "docker.io/library/nginx:1.27"


def machine(*recipes: Container, engine: str = "podman", drift: dict[str, Any] | None = None) -> FakeHost:
    """A machine on which these recipes were applied before."""
    engines = Containers()
    host = FakeHost(programs=[engines], paths=[f"/usr/bin/{engine}"] if engine else [])
    for each in recipes:
        converge(each, host)
    host.ran.clear()
    taught = host.programs[0]
    assert isinstance(taught, Containers)
    for name in taught.containers:
        taught.containers[name] |= drift or {}
    return host


def example_machine() -> FakeHost:
    return machine()


def shop(**given: Any) -> Container:
    return Container("shop", **{"image": NGINX, **given})


def test_an_image_is_pulled_and_the_container_runs() -> None:
    host = machine()

    converge(shop(ports=["8080:80"], command=["nginx", "-g", "daemon off;"]), host)

    assert host.ran[0] == f"podman pull --quiet -- {NGINX}"
    assert host.ran[1].startswith("podman run --detach --name shop --label toque.settings=")
    assert host.ran[1].endswith(f" --restart no --publish 8080:80 -- {NGINX} nginx -g daemon off;")


def test_a_digest_says_which_image_whatever_the_tag_says() -> None:
    host = machine()

    converge(shop(digest=DIGEST), host)

    assert host.ran[0] == f"podman pull --quiet -- docker.io/library/nginx@{DIGEST}"


def test_a_secret_of_its_environment_is_on_no_command_line() -> None:
    host = machine()

    converge(shop(environment={"TOKEN": Secret("hush!"), "PORT": 80}), host)

    assert "hush!" not in " ".join(host.ran)
    assert f"--env-file {SCRIPT}" in host.ran[-1]
    assert host.inputs[-1] == "TOKEN=hush!\nPORT=80\n"


def test_docker_is_used_where_there_is_no_podman() -> None:
    host = machine(engine="docker")

    converge(shop(), host)

    assert {each.split()[0] for each in host.ran} == {"docker"}


@pytest.mark.parametrize(
    ("then", "field"),
    [
        ({"image": "docker.io/library/nginx:1.28"}, "image"),
        ({"environment": {"PORT": "81"}}, "environment"),
        ({"ports": ["127.0.0.1:8080:80"]}, "ports"),
        ({"mounts": ["/srv/data:/data"]}, "mounts"),
        ({"restart_policy": "always"}, "restart_policy"),
        ({"command": ["true"]}, "settings"),
        ({"healthcheck": "true", "health_interval": 5}, "settings"),
        ({"options": ["--memory=1g"]}, "settings"),
    ],
    ids=["image", "env", "ports", "mounts", "restart", "command", "health", "options"],
)
def test_a_container_of_another_configuration_is_made_anew(then: dict[str, Any], field: str) -> None:
    before = {"environment": {"PORT": "80"}, "ports": ["8080:80"], "mounts": ["/srv/data/:/data:ro"]}
    host = machine(shop(**before))

    change = converge(shop(**before | then), host)

    assert change is not None
    assert change.fields == {field}
    assert "podman rm --force -- shop" in host.ran
    assert "podman run " in host.ran[-1]


def test_a_container_that_is_as_it_should_be_is_left_alone() -> None:
    given = {"environment": {"A": "b"}, "ports": ["0.0.0.0:80:80/tcp", "[::1]:53:53/udp"], "mounts": ["data:/data:Z"]}

    assert converge(shop(**given), machine(shop(**given))) is None


def test_one_that_only_stopped_is_only_started() -> None:
    host = machine(shop(), drift={"State": {"Running": False}})

    converge(shop(), host)

    assert host.ran == ["podman start -- shop"]


def test_one_that_shall_not_run_is_made_and_not_started() -> None:
    host = machine()

    converge(shop(running=False), host)
    assert "podman create " in host.ran[-1]
    converge(shop(running=None), host)
    assert len(host.ran) == 2
    converge(shop(), host)
    converge(shop(running=False), host)

    assert host.ran[2:] == ["podman start -- shop", "podman stop -- shop"]


def test_one_that_somebody_made_otherwise_is_made_anew() -> None:
    host = machine(shop(), drift={"Config": {"Labels": None, "Env": None}})

    change = converge(shop(), host)

    assert change is not None
    assert change.was is not None
    assert change.was.settings == "made from another recipe"


def test_it_is_removed() -> None:
    host = machine(shop())

    converge(Container("shop", present=False), host)

    assert host.ran == ["podman rm --force -- shop"]


def test_without_an_engine_it_says_what_comes_first() -> None:
    with pytest.raises(ToqueError, match=r'podman or docker is not on this machine: package\("podman"\) comes first'):
        converge(shop(), machine(engine=""))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "-x"}, "name must be"),
        ({"image": "--privileged"}, "image must be"),
        ({"digest": "sha256:abc"}, "digest must be"),
        ({"ports": ["80"]}, "ports must be"),
        ({"ports": ["8080:80"], "network": "host"}, "go without network"),
        ({"mounts": ["data"]}, "mounts must be"),
        ({"mounts": ["../x:/y"]}, "mounts must be"),
        ({"environment": {"A": "x\ny"}}, "environment must map"),
        ({"environment": {"A=B": "x"}}, "environment must map"),
        ({"user": "-u"}, "user must not"),
        ({"network": "a b"}, "network must not"),
        ({"labels": {"-l": "x"}}, "labels must map"),
        ({"health_interval": 5}, "goes with healthcheck"),
    ],
    ids=lambda value: "-".join(map(repr, value.items())) if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Container(**{"name": "shop", "image": NGINX, **wrong})


CASES = [
    Case(want, host)
    for want in (
        shop(),
        shop(digest=DIGEST, running=False, restart_policy="unless-stopped"),
        shop(environment={"A": "b"}, ports=["53:53/udp"], mounts=["/srv:/srv:ro"], running=None),
        Container("shop", present=False),
    )
    for host in (machine, partial(machine, shop()), partial(machine, shop(), engine="docker"))
]
