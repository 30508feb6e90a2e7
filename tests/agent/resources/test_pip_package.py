from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.resources.pip_package import PipPackage
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.posix import Posix
from toque.testing.programs.python import Python

SITE = "/srv/venv/lib/python3/site-packages"
ARCHIVE = {"flask": ("3.1.0", "3.0.2", "2.3.3"), "six": ("1.16.0",)}
LOCKED = "flask==3.0.2 \\\n    --hash=sha256:00aa \\\n    --hash=sha256:00bb\nsix>=1 ; python_version > '3'  # needed\n"


def machine(*installed: str, uv: bool = False, venv: bool = True, owner: int = 0) -> FakeHost:
    files: dict[str, bytes | str | Node] = {"/srv/requirements.txt": "flask<3\n-r more.txt\n", "/srv/more.txt": "six\n"}
    if venv:
        files["/srv/venv/bin/python"] = files["/srv/venv/bin/pip"] = b""
    for each in installed:
        files[f"{SITE}/{each}.dist-info/direct_url.json"] = "{}"
    host = FakeHost(
        files=files,
        users={"root": 0, "deploy": 1001},
        programs=[Python(ARCHIVE), Posix()],
        paths=["/usr/bin/python3", *(["/usr/bin/uv"] if uv else [])],
    )
    if venv:
        host.nodes["/srv/venv"].uid = owner
    return host


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


PIP = "/srv/venv/bin/python -m pip"


def test_what_is_missing_is_installed_in_one_go() -> None:
    host = machine("six-1.16.0")

    change = converge(PipPackage(["flask", "six"], venv="/srv/venv"), host)

    assert change is not None
    assert change.was == type(change.was)(("flask (not there)",))
    assert host.ran == [f"{PIP} install --quiet -- flask six"]


def test_a_version_is_one_or_a_range() -> None:
    host = machine("flask-3.1.0")

    assert converge(PipPackage("Flask", version=">= 3, < 4", venv="/srv/venv"), host) is None
    change = converge(PipPackage("flask", version="3.0.*", venv="/srv/venv"), host)

    assert change is not None
    assert change.was == type(change.was)(("flask==3.0.* (3.1.0 is there)",))
    assert host.ran == [f"{PIP} install --quiet -- flask==3.0.*"]
    assert host.names_in(SITE) == ["flask-3.0.2.dist-info"]


def test_the_owner_of_the_environment_installs_into_it() -> None:
    host = machine(owner=1001)

    converge(PipPackage("six", venv="/srv/venv"), host)

    assert host.acting == "deploy"


def test_uv_is_used_where_it_is_unless_the_recipe_says_no() -> None:
    host = machine(uv=True)

    converge(PipPackage("six", venv="/srv/venv"), host)
    converge(PipPackage("flask", venv="/srv/venv", uv=False), host)

    assert host.ran == ["uv pip install --python /srv/venv/bin/python -- six", f"{PIP} install --quiet -- flask"]
    with pytest.raises(ToqueError, match="uv is not on this machine"):
        converge(PipPackage("six", venv="/srv/venv", uv=True), machine())


@pytest.mark.parametrize("uv", [False, True], ids=["pip", "uv"])
def test_an_upgrade_asks_the_index_and_brings_the_newest_that_fits(uv: bool) -> None:
    host = machine("flask-3.0.2", uv=uv)

    change = converge(PipPackage("flask", upgrade=True, venv="/srv/venv"), host)

    assert change is not None
    assert change.was == type(change.was)((), ("flask 3.1.0",))
    assert host.names_in(SITE) == ["flask-3.1.0.dist-info"]
    assert converge(PipPackage("flask", version="<3.2", upgrade=True, venv="/srv/venv"), host) is None


def test_a_file_of_requirements_is_met_with_the_files_it_includes() -> None:
    host = machine("flask-2.3.3")

    change = converge(PipPackage(requirements="/srv/requirements.txt", venv="/srv/venv"), host, dry_run=True)

    assert change is not None
    assert change.was == type(change.was)(("six (not there)",))


def test_hashes_comments_and_conditions_of_a_file_are_no_part_of_a_requirement() -> None:
    host = machine("flask-3.0.2")
    host.add("/srv/locked.txt", LOCKED)

    converge(PipPackage(requirements="/srv/locked.txt", require_hashes=True, venv="/srv/venv"), host)

    assert host.ran == [f"{PIP} install --quiet --require-hashes --requirement /srv/locked.txt"]
    assert host.names_in(SITE) == ["flask-3.0.2.dist-info", "six-1.16.0.dist-info"]


def test_a_project_is_installed_in_place() -> None:
    host = machine()

    converge(PipPackage(editable="/srv/shop", constraints="/srv/c.txt", venv="/srv/venv"), host)

    assert host.ran == [f"{PIP} install --quiet --constraint /srv/c.txt --editable /srv/shop"]
    assert converge(PipPackage(editable="/srv/shop", venv="/srv/venv"), host) is None
    assert converge(PipPackage(editable="/srv/blog", venv="/srv/venv"), host, dry_run=True) is not None


def test_only_what_is_there_is_removed() -> None:
    host = machine("flask-3.1.0")

    converge(PipPackage(["flask", "six"], venv="/srv/venv", present=False), host)

    assert host.ran == [f"{PIP} uninstall --quiet --yes -- flask"]


def test_a_secret_in_the_address_of_an_index_is_on_no_command_line() -> None:
    host = machine()

    converge(PipPackage("six", venv="/srv/venv", index_url=Secret("https://u:hush@pypi.test/simple")), host)

    assert "hush" not in " ".join(host.ran)


def test_without_the_environment_it_says_what_comes_first() -> None:
    with pytest.raises(ToqueError, match=r"python_venv\('/srv/venv'\) comes first"):
        converge(PipPackage("six", venv="/srv/venv"), machine(venv=False))


def test_a_file_of_requirements_that_is_not_there_is_named() -> None:
    with pytest.raises(ToqueError, match="no file of requirements at /srv/none.txt"):
        converge(PipPackage(requirements="/srv/none.txt", venv="/srv/venv"), machine())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "needs one of"),
        ({"name": "six", "requirements": "/r"}, "needs one of"),
        ({"name": "--index-url=x"}, "name must be"),
        ({"name": "six @ http://x"}, "name must be"),
        ({"name": "six", "extras": ["a]"]}, "extras must be"),
        ({"name": ["six", "flask"], "version": "1"}, "single name"),
        ({"name": "six", "version": "1; x"}, "version must be"),
        ({"name": "six", "venv": "venv"}, "absolute path"),
        ({"name": "six", "index_url": "--x"}, "index_url"),
        ({"name": "six", "user": "-u"}, "user: name must be"),
        ({"requirements": "/r", "present": False}, "present=False goes with names"),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        PipPackage(**wrong)


CASES = [
    Case(want, host)
    for want in (
        PipPackage("flask", venv="/srv/venv"),
        PipPackage(["flask", "six"], venv="/srv/venv"),
        PipPackage("flask", version="~=2.3", venv="/srv/venv"),
        PipPackage("flask", upgrade=True, venv="/srv/venv"),
        PipPackage(requirements="/srv/requirements.txt", venv="/srv/venv"),
        PipPackage(editable="/srv/shop", venv="/srv/venv"),
        PipPackage("six", break_system_packages=True),
        PipPackage(["flask", "six"], venv="/srv/venv", present=False),
    )
    for host in (
        machine,
        partial(machine, "flask-3.0.2"),
        partial(machine, "flask-2.3.3", "six-1.16.0", uv=True),
        partial(machine, owner=1001),
    )
]
