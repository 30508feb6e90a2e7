from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

import toque
from toque.cli.group import toque as program
from toque.cli.terminal import paint

RECIPE = """
from toque import file
file("{place}/a", content="one\\n")
file("{place}/b", content="two\\n")
file("{place}/c", content="three\\n")
"""


@dataclass
class Screen:
    """`toque` at a pseudo terminal."""

    process: subprocess.Popen[bytes]
    descriptor: int
    seen: str = ""

    def until(self, text: str) -> str:
        while text not in self.seen:
            try:
                part = os.read(self.descriptor, 4096)
            except OSError:  # how Linux says that the other end is closed
                part = b""
            assert part, f"no {text!r} in {self.seen!r}"
            self.seen += part.decode()
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def end(self) -> tuple[int, str]:
        """Exit code, and what was said since it was last asked."""
        while True:
            try:
                part = os.read(self.descriptor, 4096)
            except OSError:
                return self.process.wait(30), self.seen
            self.seen += part.decode()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    (tmp_path / "r.py").write_text(RECIPE.format(place=tmp_path))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(toque.__file__).parent.parent), "TERM": "xterm"}
    environment |= {"XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "toque.cli", "apply", "-i", str(tmp_path / "r.py")]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    yield Screen(process, ours)
    process.kill()
    process.wait()
    os.close(ours)


def test_it_asks_at_each_change_with_its_diff_and_does_what_it_is_told(screen: Screen, tmp_path: Path) -> None:
    question = screen.until("[q]uit: ")
    assert f"file[{tmp_path}/a] would be created" in question
    assert "+one" in question

    screen.type("y\n")
    screen.until("[q]uit: ")
    screen.type("n\n")
    screen.until("[q]uit: ")
    screen.type("what\n")
    screen.until("[q]uit: ")
    screen.type("q\n")
    code, said = screen.end()

    assert code == 1
    assert "you quit: nothing after this line was done" in said
    assert [(tmp_path / name).exists() for name in "abc"] == [True, False, False]


def test_all_is_yes_to_everything_that_comes(screen: Screen, tmp_path: Path) -> None:
    screen.until("[q]uit: ")
    screen.type("a\n")
    code, _ = screen.end()

    assert code == 0
    assert [(tmp_path / name).exists() for name in "abc"] == [True, True, True]


def test_a_terminal_has_colours(screen: Screen) -> None:
    assert "\x1b[32m" in screen.until("[q]uit: ")


def test_without_a_terminal_there_is_nobody_to_ask(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text("")

    result = CliRunner().invoke(program, ["apply", "-i", str(tmp_path / "r.py")])

    assert result.exit_code == 2
    assert "needs a terminal" in result.output


@pytest.mark.parametrize(
    ("line", "colour"),
    [
        ("    +a", "\x1b[32m"),
        ("    -a", "\x1b[31m"),
        ("    @@ -1 +1 @@", "\x1b[36m"),
        ("    +++ /etc/a", "\x1b[1m"),
        ("file[/etc/a] failed", "\x1b[31m"),
        ("file[/etc/a] created", "\x1b[32m"),
        ("service[a] unknown because b", "\x1b[33m"),
        ("whatever a recipe prints", ""),
    ],
    ids=["added", "removed", "hunk", "head", "failed", "done", "unknown", "plain"],
)
def test_colours_say_what_a_line_is(line: str, colour: str) -> None:
    assert paint(line).startswith(colour or line)


@pytest.mark.parametrize(("verb", "code", "status"), [("plan", 10, "would-change"), ("apply", 0, "changed")])
def test_json_is_one_document_with_a_record_for_each_resource(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, code: int, status: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "r.py").write_text("print('said')\n" + RECIPE.format(place=tmp_path))

    result = CliRunner().invoke(program, [verb, "--output", "json", str(tmp_path / "r.py")])
    document = json.loads(result.output)

    assert (result.exit_code, document["exit_code"]) == (code, code)
    assert [each["status"] for each in document["resources"]] == [status] * 3
    assert document["counts"]["changed"] == 3
    assert document["log"].startswith("said\n")
    assert document["resources"][0]["diff"].endswith("+one")


def test_options_of_a_clone_want_a_clone(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text("")

    result = CliRunner().invoke(program, ["plan", "--keep", str(tmp_path / "r.py")])

    assert result.exit_code == 2
    assert "add --clone" in result.output
