from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.resources.npm_package import NpmPackage
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.npm import Npm

ROOT = "/usr/local/lib/node_modules"
LOCK = {
    "packages": {
        "": {"name": "shop"},
        "node_modules/express": {"version": "4.18.2", "integrity": "sha512-a"},
        "node_modules/express/node_modules/ms": {"version": "2.0.0"},
        "node_modules/jest": {"version": "29.0.0", "dev": True},
        "node_modules/fsevents": {"version": "2.3.0", "optional": True},
    }
}


def machine(*there: str, npm: bool = True, tree: dict[str, Any] | None = None, owner: int = 0) -> FakeHost:
    files: dict[str, bytes | str | Node] = {
        "/srv/shop/package-lock.json": json.dumps(LOCK),
        "/srv/tiny/package.json": '{"name": "tiny", "version": "1.2.3"}',
    }
    for each in there:
        name, _, version = each.rpartition("@")
        files[f"{ROOT}/{name}/package.json"] = json.dumps({"version": version})
    if tree is not None:
        files["/srv/shop/node_modules/.package-lock.json"] = json.dumps({"packages": tree})
        for path in tree:
            files[f"/srv/shop/{path}/package.json"] = "{}"
    host = FakeHost(
        files=files,
        users={"root": 0, "deploy": 1001},
        programs=[Npm({"pm2": ("4.5.6", "5.3.0", "5.3.1", "6.0.0")})],
        paths=["/usr/bin/npm"] if npm else [],
    )
    host.nodes["/srv/shop"].uid = owner
    return host


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


ALL = {path: each for path, each in LOCK["packages"].items() if path}


def test_a_package_is_installed_for_all_of_the_machine() -> None:
    host = machine()

    converge(NpmPackage("pm2", version="5.3.0"), host)

    assert host.ran == ["npm install --global -- pm2@5.3.0"]


def test_a_version_that_is_in_the_range_stays_and_another_goes() -> None:
    assert converge(NpmPackage("pm2", version="^5.3"), machine("pm2@5.3.0")) is None

    host = machine("pm2@4.5.6")
    change = converge(NpmPackage("pm2", version="^5.3"), host)

    assert change is not None
    assert change.was == type(change.was)("4.5.6")
    assert json.loads(host.read(f"{ROOT}/pm2/package.json") or b"")["version"] == "5.3.1"


def test_an_upgrade_goes_as_far_as_the_version_allows() -> None:
    host = machine("pm2@5.3.0")

    converge(NpmPackage("pm2", version="^5", upgrade=True), host)
    converge(NpmPackage("pm2", upgrade=True), host)

    assert host.ran == ["npm install --global -- pm2@^5", "npm install --global -- pm2@latest"]


def test_a_package_comes_from_a_folder_of_the_machine() -> None:
    host = machine()

    converge(NpmPackage("tiny", source="/srv/tiny", path="/srv/shop", scripts=False), host)

    assert host.ran == ["npm install --ignore-scripts -- /srv/tiny"]
    assert host.cwd == "/srv/shop"


def test_a_package_is_removed_where_it_is() -> None:
    host = machine("pm2@5.3.0")

    converge(NpmPackage("pm2", present=False), host)

    assert host.ran == ["npm uninstall --global -- pm2"]
    assert converge(NpmPackage("pm2", path="/srv/shop", present=False), host) is None


def test_a_project_gets_what_its_lock_file_names_by_the_hand_of_its_owner() -> None:
    host = machine(owner=1001)

    change = converge(NpmPackage(path="/srv/shop", ci=True), host)

    assert change is not None
    assert change.was is None
    assert (host.ran, host.acting) == (["npm ci"], "deploy")


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({k: v for k, v in ALL.items() if not k.endswith("ms")}, "ms"),
        (ALL | {"node_modules/express": {"version": "4.18.1", "integrity": "sha512-a"}}, "express"),
        (ALL | {"node_modules/express": {"version": "4.18.2", "integrity": "sha512-b"}}, "express"),
        (ALL | {"node_modules/left-pad": {"version": "1.0.0"}}, "left-pad"),
    ],
    ids=["missing", "version", "content", "extra"],
)
def test_a_tree_that_is_otherwise_is_made_again(tree: dict[str, Any], named: str) -> None:
    host = machine(tree=tree)

    change = converge(NpmPackage(path="/srv/shop", ci=True), host)

    assert change is not None
    assert change.was == type(change.was)(tree=f"otherwise in {named}")
    assert host.ran == ["npm ci"]


def test_a_folder_that_somebody_deleted_is_noticed() -> None:
    host = machine(tree=ALL)
    host.discard("/srv/shop/node_modules/express")

    assert converge(NpmPackage(path="/srv/shop", ci=True), host, dry_run=True) is not None


def test_what_is_optional_may_be_missing_and_what_is_for_development_too() -> None:
    tree = {path: each for path, each in ALL.items() if path != "node_modules/fsevents"}

    assert converge(NpmPackage(path="/srv/shop", ci=True), machine(tree=tree)) is None
    host = machine(tree=tree)
    change = converge(NpmPackage(path="/srv/shop", ci=True, production=True), host)

    assert change is not None
    assert change.was == type(change.was)(tree="otherwise in jest")
    assert host.ran == ["npm ci --omit=dev"]


def test_without_npm_or_a_lock_file_it_says_what_is_missing() -> None:
    with pytest.raises(ToqueError, match=r'npm is not on this machine: package\("npm"\) comes first'):
        converge(NpmPackage("pm2"), machine(npm=False))
    with pytest.raises(ToqueError, match="no package-lock.json in /srv/tiny"):
        converge(NpmPackage(path="/srv/tiny", ci=True), machine())


def test_a_secret_of_its_environment_is_on_no_command_line() -> None:
    host = machine()

    converge(NpmPackage("pm2", environment={"NPM_TOKEN": Secret("hush!")}), host)

    assert "hush!" not in " ".join(host.ran)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "name must be"),
        ({"name": "--global"}, "name must be"),
        ({"name": "a b"}, "name must be"),
        ({"name": "../x"}, "name must be"),
        ({"name": "pm2", "ci": True, "path": "/srv"}, "ci=True goes with path"),
        ({"ci": True}, "ci=True goes with path"),
        ({"name": "pm2", "version": "latest"}, "version must be"),
        ({"name": "pm2", "source": "--x"}, "source must be"),
        ({"name": "pm2", "source": "/x", "upgrade": True}, "without source"),
        ({"name": "pm2", "registry": "x"}, "registry must be"),
        ({"name": "pm2", "path": "srv"}, "absolute path"),
        ({"name": "pm2", "user": "-u"}, "user: name must be"),
        ({"name": "pm2", "environment": {"A=B": "x"}}, "environment must map"),
        ({"name": "pm2", "present": False, "version": "1.0.0"}, "present=False"),
    ],
    ids=lambda value: "-".join(map(str, value.items())) if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        NpmPackage(**wrong)


CASES = [
    Case(want, host)
    for want in (
        NpmPackage("pm2"),
        NpmPackage("pm2", version="^5"),
        NpmPackage("pm2", upgrade=True),
        NpmPackage("tiny", source="/srv/tiny", path="/srv/shop"),
        NpmPackage("pm2", present=False),
        NpmPackage(path="/srv/shop", ci=True, production=True),
    )
    for host in (machine, partial(machine, "pm2@4.5.6", "tiny@1.0.0"), partial(machine, "pm2@5.3.0", tree=ALL))
]
