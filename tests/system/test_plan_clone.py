"""A plan on a clone: everything is done for real, and nothing of it is there afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import toque
from tests.needs import needs, needs_root
from tests.system.case_sandbox import wait_for
from toque.preview.systemctl import unit

pytestmark = [pytest.mark.root, needs_root(), needs("dpkg-deb", "ip")]

_CONTROL = "Package: toque-plan-demo\nVersion: 1.2\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
_SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: toque-plan-demo
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case $1 in
start) setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >/run/toque-plan-demo.pid ;;
stop) kill $(cat /run/toque-plan-demo.pid); rm /run/toque-plan-demo.pid ;;
status) test -e /run/toque-plan-demo.pid && kill -0 $(cat /run/toque-plan-demo.pid) ;;
esac
"""
_RECIPE = """
from toque import Secret, directory, execute, file, package, service, sysctl, user

package("toque-plan-demo", file="{here}/demo.deb")
file("/usr/share/toque-plan-demo/2", content="mine\\n")
directory("/etc/toque-plan", mode="0750")
file("/etc/toque-plan/app.conf", content="password = " + Secret("hunter22hunter") + "\\n", mode="0644")
file("{there}/changed", content="one\\nthree\\n", mode="0600")
file("{there}/gone", present=False)
execute(["mv", "{there}/old-name", "{there}/new-name"], creates="{there}/new-name")
execute(["touch", "/etc/fstab"])
user("toque-plan", shell="/bin/sh")
service("toque-plan-demo", running=True, enabled=True)
sysctl("vm.swappiness", value=12)
"""


@dataclass
class Place:
    """`here` is where the recipe is, which a clone does not have; `there` is on the host's disk."""

    here: Path
    there: Path
    cache: Path

    def start(self, *argv: str, stdin: int | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(toque.__file__).parent.parent)}
        environment |= {"XDG_CACHE_HOME": str(self.cache)}
        command = [sys.executable, "-m", "toque.cli", *argv]
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env=environment, cwd=self.here, stdin=stdin, **streams)

    def toque(self, *argv: str) -> tuple[int, str]:
        with self.start(*argv) as process:
            said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def recipe(self, text: str) -> str:
        path = self.here / "site.py"
        path.write_text(text.format(here=self.here, there=self.there))
        return str(path)

    def clones(self) -> list[Path]:
        return sorted((self.cache / "toque" / "plan").glob("clone-*"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    here = tmp_path_factory.mktemp("recipes")
    there = Path(subprocess.check_output(["mktemp", "-d", "/var/tmp/toque-plan-XXXXXX"], text=True).strip())
    yield Place(here, there, tmp_path_factory.mktemp("cache"))
    subprocess.run(["rm", "-rf", str(there)], check=True)


@pytest.fixture(scope="module")
def findings(place: Place) -> dict[str, Any]:
    """What a plan of one recipe with everything in it finds."""
    tree = place.here / "package"
    for name, content in {
        "DEBIAN/control": _CONTROL,
        "etc/init.d/toque-plan-demo": _SCRIPT,
        **{f"usr/share/toque-plan-demo/{number}": str(number) for number in range(3)},
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
    (tree / "etc/init.d/toque-plan-demo").chmod(0o755)
    subprocess.run(["dpkg-deb", "--build", str(tree), str(place.here / "demo.deb")], check=True, capture_output=True)
    (place.there / "changed").write_text("one\ntwo\n")
    (place.there / "gone").write_text("gone\n")
    (place.there / "old-name").mkdir()
    (place.there / "old-name" / "inside").write_text("x\n")
    code, said = place.toque("plan", "--clone", "--output", "json", place.recipe(_RECIPE))
    assert code == 10, said
    found: dict[str, Any] = json.loads(said)
    return found


def _file(findings: dict[str, Any], path: str) -> dict[str, Any]:
    [found] = [each for each in findings["files"] if each["path"] == path]
    return dict(found)


def test_files_that_differ_are_listed_with_their_diffs(place: Place, findings: dict[str, Any]) -> None:
    made, changed = _file(findings, "/etc/toque-plan"), _file(findings, f"{place.there}/changed")

    assert (made["what"], made["kind"], made["details"]) == ("created", "directory", ["0750 root:root"])
    assert changed["what"] == "changed"
    assert changed["details"] == ["mode 0644 → 0600"]
    assert _file(findings, f"{place.there}/gone")["what"] == "removed"
    assert "-gone" in _file(findings, f"{place.there}/gone")["diff"]
    assert _file(findings, f"{place.there}/old-name")["what"] == "removed"
    assert _file(findings, f"{place.there}/new-name/inside")["what"] == "created"


def test_what_was_only_touched_is_no_change(findings: dict[str, Any]) -> None:
    paths = {each["path"] for each in findings["files"]}

    assert "/etc/fstab" not in paths
    assert not [path for path in paths if path.startswith(("/run/toque/", "/opt/toque", "/var/lib/toque"))]


def test_secrets_are_hidden_in_what_a_clone_shows(findings: dict[str, Any]) -> None:
    assert "+password = ***" in _file(findings, "/etc/toque-plan/app.conf")["diff"]
    assert "hunter22hunter" not in json.dumps(findings)


def test_files_of_packages_are_counted_but_for_those_that_the_recipe_made_its_own(findings: dict[str, Any]) -> None:
    [package] = findings["packages"]
    paths = {each["path"] for each in findings["files"]}

    assert (package["name"], package["was"], package["now"]) == ("toque-plan-demo", None, "1.2")
    assert package["files"] >= 3
    assert "/usr/share/toque-plan-demo/1" not in paths
    assert "/var/lib/dpkg/status" not in paths
    assert "+mine" in _file(findings, "/usr/share/toque-plan-demo/2")["diff"]


def test_users_groups_and_services_are_told_as_such(findings: dict[str, Any]) -> None:
    [user], [group] = findings["users"], findings["groups"]

    assert (user["name"], user["what"]) == ("toque-plan", "created")
    assert "shell /bin/sh" in user["details"]
    assert (group["name"], group["what"]) == ("toque-plan", "created")
    [service] = [each for each in findings["services"] if unit(each["name"]) == unit("toque-plan-demo")]
    assert {"enabled", "started"} <= set(service["changes"])


def test_what_is_the_kernels_is_looked_at_and_said_to_be_missing(findings: dict[str, Any]) -> None:
    [missing] = findings["not_shown"]

    assert missing["what"] == "sysctl[vm.swappiness]"
    assert "kernel" in missing["reason"]
    assert Path("/proc/sys/vm/swappiness").read_text() != "12\n"


def test_nothing_of_it_is_on_the_machine_and_no_clone_is_left(place: Place, findings: dict[str, Any]) -> None:
    assert not Path("/etc/toque-plan").exists()
    assert (place.there / "gone").exists()
    assert (place.there / "changed").read_text() == "one\ntwo\n"
    assert "toque-plan" not in Path("/etc/passwd").read_text()
    assert place.clones() == []


def test_a_recipe_with_nothing_to_do_is_exit_code_0(place: Place) -> None:
    recipe = place.recipe("from toque import file, execute\nfile('{there}/changed', content='one\\ntwo\\n')\n")

    code, said = place.toque("plan", "--clone", recipe)

    assert code == 0, said
    assert said.endswith("nothing would change\n")


def test_a_failing_recipe_gives_its_page_and_leaves_no_clone(place: Place) -> None:
    recipe = place.recipe("from toque import execute, file\nfile('{there}/new', content='x')\nexecute(['false'])\n")

    code, said = place.toque("plan", "--clone", recipe)

    assert code == 1
    assert "execute[false] failed\nsite.py:3" in said
    assert f"created {place.there}/new" in said
    assert place.clones() == []


def test_a_recipe_that_is_not_there_is_exit_code_2(place: Place) -> None:
    assert place.toque("plan", "--clone", "nowhere.py")[0] == 2


def test_a_clone_reaches_nothing_and_says_what_would_let_it(place: Place) -> None:
    look_up = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    recipe = place.recipe(f'from toque import execute\nexecute(["/opt/toque/bin/python", "-c", "{look_up}"])\n')

    code, said = place.toque("plan", "--clone", recipe)

    assert code == 1
    assert "`--network=shared`" in said


def test_a_recipe_of_a_cookbook_runs_with_its_sisters(place: Place) -> None:
    for name, text in {
        "web": "from toque import include_recipe\ninclude_recipe('base')\n",
        "base": "print('here')\n",
    }.items():
        (place.here / name / "recipes").mkdir(parents=True)
        (place.here / name / "cookbook.toml").write_text(
            f'[cookbook]\nname = "{name}"\nversion = "1.0.0"\n' + ('[requires]\nbase = "*"\n' if name == "web" else "")
        )
        (place.here / name / "recipes" / "default.py").write_text(text)

    code, said = place.toque("plan", "--clone", "web::default")

    assert (code, "here\n" in said) == (0, True), said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupted", "terminated"])
def test_no_clone_is_left_when_a_plan_is_stopped_in_its_middle(place: Place, number: int) -> None:
    recipe = place.recipe("from toque import execute\nprint('under way', flush=True)\nexecute(['sleep', '600'])\n")
    process = place.start("plan", "--clone", recipe)
    assert process.stdout is not None
    while "under way" not in (line := process.stdout.readline()):
        assert line, "it ended before it was under way"
    process.send_signal(number)

    with process:
        process.communicate(timeout=60)

    assert process.returncode not in (0, 10)
    assert place.clones() == []


def test_a_clone_whose_owner_was_killed_goes_with_the_next_plan(place: Place) -> None:
    recipe = place.recipe("from toque import execute\nprint('under way', flush=True)\nexecute(['sleep', '600'])\n")
    process = place.start("plan", "--clone", recipe)
    assert process.stdout is not None
    while "under way" not in (line := process.stdout.readline()):
        assert line, "it ended before it was under way"
    process.kill()
    with process:
        process.communicate(timeout=60)
    [orphan] = place.clones()

    place.toque("plan", "--clone", place.recipe("print('x')\n"))

    wait_for("the orphan is gone", lambda: not orphan.exists())


def test_a_kept_clone_can_be_entered_and_thrown_away(place: Place) -> None:
    recipe = place.recipe("from toque import file\nfile('{there}/new', content='x')\n")

    code, said = place.toque("plan", "--clone", "--keep", recipe)
    [enter] = [line.split() for line in said.splitlines() if "toque.sandbox enter" in line]
    [remove] = [line.split() for line in said.splitlines() if "--remove-clone" in line]

    assert code == 10
    environment = {**os.environ, "PYTHONPATH": str(Path(toque.__file__).parent.parent)}
    assert subprocess.check_output([*enter, "cat", f"{place.there}/new"], text=True, env=environment) == "x"
    assert place.toque(*remove[1:]) == (0, "")
    assert place.clones() == []


def test_lines_can_be_tried_at_a_prompt_in_a_clone(place: Place) -> None:
    with place.start("shell", "--sandbox", stdin=subprocess.PIPE) as process:
        said, _ = process.communicate(f'file("{place.there}/tried", content="x")\nlast.changed\n', timeout=60)

    assert process.returncode == 0, said
    assert f"file[{place.there}/tried] created" in said
    assert said.endswith("True\n")
    assert not (place.there / "tried").exists()
    assert place.clones() == []


def test_a_run_of_an_agent_is_planned_on_a_clone_of_its_node(place: Place) -> None:
    from tests.agent.preview.test_node import a_run, outcome

    recipe = f"from toque import file, node\nfile('{place.there}/by-agent', content=node['text'])\n"
    run = a_run(place.here / "agent", recipe, "plan_on_clone")
    (run / "snapshot.json").write_text('{"bags": {}, "levels": [["stack", {"text": "said"}]], "self": {}}')
    code = "import sys; from pathlib import Path; from toque.preview.node import plan_in_clone as plan; sys.exit(plan(Path(sys.argv[1])))"
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(toque.__file__).parent.parent),
        "XDG_CACHE_HOME": str(place.cache),
    }

    done = subprocess.run([sys.executable, "-c", code, str(run)], env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"recipe web::default\nfile[{place.there}/by-agent] created" in done.stdout
    assert f"Files\n  created {place.there}/by-agent" in done.stdout
    assert (outcome(run)["reason"], outcome(run)["resources"]["changed"]) == ("something_to_do", 1)
    assert not (place.there / "by-agent").exists()
    assert place.clones() == []
