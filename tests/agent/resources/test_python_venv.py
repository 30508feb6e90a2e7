from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.resources.python_venv import PythonVenv
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.accounts import Accounts
from toque.testing.programs.posix import Posix
from toque.testing.programs.python import Python

CFG = "home = {home}\ninclude-system-site-packages = {wide}\nversion = {version}\n"


def machine(*, home: str = "/usr/bin", wide: str = "false", version: str = "3.11.2", venv: bool = False) -> FakeHost:
    files: dict[str, bytes | str | Node] = {}
    if venv:
        files = {
            "/srv/venv/pyvenv.cfg": CFG.format(home=home, wide=wide, version=version),
            "/srv/venv/bin/python": b"",
            "/srv/venv/notes": b"mine",
        }
    return FakeHost(
        files=files,
        users={"root": 0, "deploy": 1001},
        programs=[Python(), Posix(), Accounts()],
        paths=["/usr/bin/python3"],
    )


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


def test_a_new_one_is_made_by_its_owner() -> None:
    host = machine()

    converge(PythonVenv("/srv/venv", owner="deploy"), host)

    assert host.ran == ["mkdir /srv/venv", "chown 1001:0 /srv/venv", "python3 -m venv -- /srv/venv"]


def test_one_of_another_version_of_python_is_made_anew_and_strange_files_stay() -> None:
    host = machine(venv=True, version="3.9.1", wide="true")

    change = converge(PythonVenv("/srv/venv"), host)

    assert change is not None
    assert change.fields == {"interpreter"}
    assert change.was == type(change.was)("Python of /usr/bin 3.9", None, True)
    assert host.ran[-1] == "python3 -m venv --system-site-packages -- /srv/venv"
    assert host.read("/srv/venv/notes") == b"mine"


def test_a_newer_patch_of_its_python_is_the_same_python() -> None:
    assert converge(PythonVenv("/srv/venv"), machine(venv=True, version="3.11.9")) is None


def test_one_whose_python_is_gone_is_made_anew() -> None:
    host = machine(venv=True)
    host.add("/srv/venv/bin/python", Node("link", to="/usr/bin/python3.9"))

    change = converge(PythonVenv("/srv/venv"), host)

    assert change is not None
    assert change.fields == {"interpreter"}


def test_what_the_system_has_is_let_in_without_making_it_anew() -> None:
    host = machine(venv=True)

    converge(PythonVenv("/srv/venv", system_site_packages=True), host)

    assert host.ran == ["python3 -m venv --system-site-packages --without-pip -- /srv/venv"]


def test_an_owner_is_changed_for_everything_in_it() -> None:
    host = machine(venv=True)

    converge(PythonVenv("/srv/venv", owner="deploy"), host)

    assert host.ran == ["chown -R -h deploy -- /srv/venv"]


def test_a_folder_with_other_things_in_it_is_left_alone() -> None:
    host = machine()
    host.add("/srv/venv/thesis.tex", b"")

    assert converge(PythonVenv("/srv/venv", present=False), host) is None
    with pytest.raises(ToqueError, match="/srv/venv has files in it and is no virtual environment"):
        converge(PythonVenv("/srv/venv"), host)


def test_a_python_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(ToqueError, match=r'python3.13 is not on this machine: package\("python3-venv"\) comes first'):
        converge(PythonVenv("/srv/venv", interpreter="python3.13"), machine())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "venv"}, "absolute path"),
        ({"path": "/v", "interpreter": "-c"}, "interpreter must be"),
        ({"path": "/v", "interpreter": "bin/python"}, "interpreter must be"),
        ({"path": "/v", "owner": "a:b"}, "python_venv owner: name must be"),
    ],
    ids=["path", "option", "relative", "owner"],
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        PythonVenv(**wrong)


CASES = [
    Case(want, host)
    for want in (
        PythonVenv("/srv/venv"),
        PythonVenv("/srv/venv", owner="deploy", system_site_packages=True),
        PythonVenv("/srv/venv", pip=False, system_site_packages=False),
        PythonVenv("/srv/venv", present=False),
    )
    for host in (
        machine,
        partial(machine, venv=True),
        partial(machine, venv=True, version="3.9.0", wide="true"),
        partial(machine, venv=True, home="/opt/python/bin"),
    )
]
