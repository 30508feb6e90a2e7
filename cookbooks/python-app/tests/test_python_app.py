"""The Python app layer in memory: what a node gets, how an app is started, and what is left when it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toque.testing import FakeNode, MakeNode, Stopped
from toque.testing.machine import FakeHost

SHOP = "https://git.test/shop.git"
SHARED = "/srv/www/shop/shared/config"
UNIT = "/etc/systemd/system/app-shop.service"


def app_server(fake_node: MakeNode, *, files: dict[str, str], **what: Any) -> FakeNode:
    """A node of the layer after its Setup, with the app `shop` to deploy; `files` are what its repository holds."""
    source = {"type": "git", "url": SHOP, "revision": "main"}
    app = {"shortname": "shop", "app_source": source, "environment": {"TOKEN": "hush"}, **what.pop("app", {})}
    node = fake_node(
        layers={"app": {"type": "python-app"}},
        apps=[app],
        packages=["git"],
        repositories={SHOP: files},
        secrets=["hush"],
        **what,
    )
    node.converge("python-app::default")
    return node


def make_environment(host: FakeHost) -> None:
    """What `python3 -m venv` leaves."""
    [release] = host.names_in("/srv/www/shop/releases")
    host.add(f"/srv/www/shop/releases/{release}/.venv/bin/python", b"")


def test_setup_brings_the_interpreter_and_the_account(fake_node: MakeNode) -> None:
    node = fake_node()

    run = node.converge("python-app::default")

    assert node.package("python3-venv").installed
    assert node.user("deploy").home == "/home/deploy"
    assert node.user("deploy").group == "www-data"
    assert node.group("www-data").exists
    assert node.file("/srv/www").kind == "directory"
    run.again()


def test_a_deploy_puts_the_release_in_place_and_starts_what_its_procfile_says(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={"Procfile": "web: python3 -m shop\n"})

    run = node.converge("python-app::deploy")

    assert run.resource("app_release", "shop").changed
    assert node.file("/srv/www/shop/current/Procfile").text == "web: python3 -m shop\n"
    assert node.service("app-shop").running
    assert node.service("app-shop").enabled
    assert 'ExecStart="/usr/bin/python3" "-m" "shop"' in node.file(UNIT).lines
    assert json.loads(node.file(f"{SHARED}/service.json").text) == {"service": "app-shop"}


def test_the_app_knows_its_address_and_its_port_and_no_secret_is_in_the_log(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={"Procfile": "web: ./run"}, attributes={"python-app": {"port": 8080}})

    run = node.converge("python-app::deploy")

    environment = node.file("/etc/toque/services/app-shop.env").lines
    assert {'HOST="10.0.0.10"', 'PORT="8080"', 'TOKEN="hush"'} <= set(environment)
    assert "hush" not in run.log


def test_requirements_are_installed_into_an_environment_of_the_release(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={"Procfile": "web: python3 app.py", "requirements.txt": "flask\n"})
    node.answers(["/usr/bin/python3", "-m", "venv", "*"], does=make_environment)
    node.answers(["*/.venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "*/requirements.txt"])

    run = node.converge("python-app::deploy")

    assert run.created("execute", "/usr/bin/python3 -m venv *")
    assert run.created("execute", "*/python -m pip install *")
    assert 'ExecStart="/srv/www/shop/current/.venv/bin/python" "app.py"' in node.file(UNIT).lines


def test_an_app_that_nothing_says_how_to_start_stops_the_deployment_with_what_to_do(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={"app.py": ""})

    with pytest.raises(Stopped, match="give its repository a Procfile"):
        node.converge("python-app::deploy")


def test_an_app_of_another_layer_is_left_alone(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={}, app={"type": "php"})

    assert not node.converge("python-app::deploy", "python-app::configure", "python-app::stop").changed


def test_each_app_has_a_port_of_its_own(fake_node: MakeNode) -> None:
    apps = [
        {"shortname": name, "app_source": {"type": "git", "url": f"https://git.test/{name}", "revision": None}}
        for name in ("blog", "shop")
    ]
    trees = {f"https://git.test/{name}": {"Procfile": f"web: ./{name}"} for name in ("blog", "shop")}
    node = fake_node(layers=["app"], apps=apps, repositories=trees, packages=["git"])

    node.converge("python-app::default", "python-app::deploy")

    assert 'PORT="80"' in node.file("/etc/toque/services/app-blog.env").lines
    assert 'PORT="81"' in node.file("/etc/toque/services/app-shop.env").lines


def test_configure_tells_a_deployed_app_who_is_online(fake_node: MakeNode) -> None:
    peers = {"app2": {"layers": ["app"], "private_ip": "10.0.0.22"}, "db1": {"layers": ["db"], "status": "stopped"}}
    node = app_server(fake_node, files={}, peers=peers, groups=[])
    node.host.add(f"{SHARED}/x", b"")

    run = node.converge("python-app::configure")

    told = json.loads(node.file(f"{SHARED}/stack.json").text)
    assert told["peers"] == ["10.0.0.22"]
    assert told["layers"] == {"app": {"node1": "10.0.0.10", "app2": "10.0.0.22"}, "db": {}}
    run.again()


def test_configure_does_nothing_for_an_app_that_is_not_deployed_here(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={})

    run = node.converge("python-app::configure")

    assert run.skipped("file", f"{SHARED}/stack.json")
    assert not run.changed


def test_stop_stops_what_is_deployed_and_undeploy_takes_its_service_away(fake_node: MakeNode) -> None:
    node = app_server(fake_node, files={"Procfile": "web: ./run"})
    node.converge("python-app::deploy")

    node.converge("python-app::stop").again()
    assert not node.service("app-shop").running

    node.converge("python-app::undeploy").again()
    assert not node.service("app-shop").defined
