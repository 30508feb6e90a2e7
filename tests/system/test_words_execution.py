"""The words that run something or wait for something, in a sandbox, by `toque apply`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import PENDING, apply, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = ("block_of_python", "check", "execute", "http_request", "script", "wait_for")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        yield made.start()


def test_code_runs_as_its_user_and_is_nowhere_on_the_disk(box: Box) -> None:
    said = apply(
        box,
        r"""
        from toque import Secret, directory, script
        directory("/srv/work", owner="games")
        script("note", code=Secret("id -un >/srv/work/who; echo sesame >>/srv/work/who; echo by sesame"), user="games",
               creates="/srv/work/who", cwd="/srv/work", live=True, sensitive=True)
        script("count", interpreter="python", code="import sys; open('/srv/work/args', 'w').write(repr(sys.argv[1:]))",
               args=["one", "two words"], creates="/srv/work/args")
        """,
    )

    assert box.run("cat", "/srv/work/who") == "games\nsesame"
    assert box.run("cat", "/srv/work/args") == "['one', 'two words']"
    assert "    by sesame" in said
    assert box.shell("grep -rl 'id -un >/srv' /tmp /var/tmp /run 2>/dev/null || true") == ""


def test_programs_functions_and_waiting(box: Box) -> None:
    box.shell("cd /srv && setsid python3 -m http.server 8099 --bind 127.0.0.1 >/dev/null 2>&1 &")

    said = apply(
        box,
        """
        from pathlib import Path
        from toque import block_of_python, check, execute, http_request, wait_for
        check("this is a machine", holds=["test", "-d", "/"])
        execute("echo $((1 + 1)) | tr 2 3 >/srv/shell", shell=True, creates="/srv/shell")
        wait_for("the web server", url="http://127.0.0.1:8099/", interval=0.1)
        wait_for("its port", port=8099)
        seeded = Path("/srv/seeded")
        block_of_python("seed", seeded.touch, unless=seeded.exists)
        page = http_request("http://127.0.0.1:8099/", contains="seeded")
        block_of_python("keep", lambda: Path("/srv/status").write_text(str(page.answer.status)),
                        unless=Path("/srv/status").exists)
        """,
    )

    assert "block_of_python[seed] called" in said
    assert box.run("cat", "/srv/status") == "200"
    assert box.run("cat", "/srv/shell") == "3"


def test_what_does_not_hold_ends_a_plan_and_a_run(box: Box) -> None:
    recipe = 'from toque import check\ncheck("there is a moon", holds=["test", "-e", "/moon"], hint="look up")\n'

    for verb in ("plan", "apply"):
        code, said = toque(box, verb, recipe)
        assert code == 1
        assert "it does not hold that there is a moon: look up" in said


def test_what_never_comes_is_said_with_how_it_looked(box: Box) -> None:
    recipe = 'from toque import wait_for\nwait_for("a ghost", port=9, timeout=0.2, interval=0.1)\n'

    assert toque(box, "plan", recipe)[0] == PENDING
    code, said = toque(box, "apply", recipe)

    assert code == 1
    assert "a ghost: waited 0.2 s, and 127.0.0.1 port 9 does not answer: Connection refused" in said
