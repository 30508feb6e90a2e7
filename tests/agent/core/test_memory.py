"""What a node remembers: whether a change is drift or intended, and what flaps."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toque import execute, file, line
from toque.core import Ran, Run, Secret
from toque.core.memory import Memory
from toque.core.report import Report
from toque.testing.machine import FakeHost


class Machine:
    """A node that runs recipes one after the other."""

    def __init__(self, state: Path, **on_it: Any) -> None:
        self.state, self.host = state, FakeHost(**on_it)
        self.log: list[str] = []
        self.report = Report()

    def run(self, recipe: Callable[[], object], *, dry_run: bool = False) -> list[str]:
        """The cause of each line of the report."""
        lines, memory = io.StringIO(), Memory(self.state / "desired.json")
        self.log = []
        self.report = Report(say=self.log.append, lines=lines)
        with Run(self.host, report=self.report, memory=memory, dry_run=dry_run):
            recipe()
        if not dry_run:
            memory.save()
        return [json.loads(line).get("cause", "") for line in lines.getvalue().splitlines()]


@pytest.fixture
def node(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def motd(content: Any = "hello\n") -> Callable[[], object]:
    return lambda: file("/etc/motd", content=content)


def test_what_somebody_else_changed_is_drift_and_what_the_recipe_changed_is_intended(node: Machine) -> None:
    assert node.run(motd()) == ["intended"]
    assert node.run(motd()) == [""]

    node.host.add("/etc/motd", "mine\n")
    assert node.run(motd()) == ["drift"]
    assert node.log[0].startswith("file[/etc/motd] changed: content (drift corrected)")
    assert node.report.causes == {"drift_corrected": 1, "intended": 0, "flapping": 0}

    assert node.run(motd("bye\n")) == ["intended"]
    assert node.log[0] == "file[/etc/motd] changed: content"


def test_a_dry_run_tells_drift_and_remembers_nothing(node: Machine) -> None:
    node.run(motd())
    node.host.add("/etc/motd", "mine\n")

    assert node.run(motd(), dry_run=True) == ["drift"]
    assert node.log[0].startswith("file[/etc/motd] would be changed: content (drift)")
    assert node.run(motd("new\n"), dry_run=True) == ["intended"]
    assert node.run(motd()) == ["drift"]


def test_what_was_right_when_it_was_first_declared_is_drift_when_it_changes(tmp_path: Path) -> None:
    node = Machine(tmp_path, files={"/etc/motd": "hello\n"})
    node.run(motd())
    node.host.add("/etc/motd", "mine\n")

    assert node.run(motd()) == ["drift"]


def test_other_runs_in_between_make_no_difference(node: Machine) -> None:
    node.run(motd())
    node.run(lambda: file("/etc/other", content="x"))
    node.host.add("/etc/motd", "mine\n")

    assert node.run(motd()) == ["drift"]


def test_a_resource_that_is_declared_twice_is_remembered_twice(node: Machine) -> None:
    def both() -> None:
        file("/etc/motd", content="hello\n")
        file("/etc/motd", mode="0600")

    assert node.run(both) == ["intended", "intended"]
    node.host.remove("/etc/motd")
    assert node.run(both) == ["drift", "drift"]


def test_what_holds_when_creating_makes_no_difference(node: Machine) -> None:
    def recipe() -> None:
        file("/etc/motd", mode="0644", when_creating={"content": "first\n"})

    node.run(recipe)
    node.host.add("/etc/motd", "mine\n")
    node.host.chmod("/etc/motd", 0o600)

    assert node.run(recipe) == ["drift"]


def test_a_line_that_somebody_took_out_of_a_file_is_drift(tmp_path: Path) -> None:
    node = Machine(tmp_path, files={"/etc/a": "first\n"})

    def recipe() -> None:
        line("/etc/a", line="ours")

    assert node.run(recipe) == ["intended"]
    node.host.add("/etc/a", "first\nsomebody's\n")
    assert node.run(recipe) == ["drift"]
    assert node.run(lambda: line("/etc/a", line="another")) == ["intended"]


def test_a_secret_counts_and_stands_nowhere(node: Machine, tmp_path: Path) -> None:
    node.run(motd(Secret("correct-horse")))
    assert node.run(motd(Secret("battery-staple"))) == ["intended"]
    node.host.add("/etc/motd", "mine\n")
    assert node.run(motd(Secret("battery-staple"))) == ["drift"]

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"staple" not in kept
    assert b"motd" not in kept
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "desired.json": 0o600,
        "desired.key": 0o600,
    }


def test_two_nodes_remember_the_same_otherwise(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Machine(tmp_path / name).run(motd())

    assert (tmp_path / "a/desired.json").read_bytes() != (tmp_path / "b/desired.json").read_bytes()


def test_what_changes_in_every_run_flaps_from_the_third_on(tmp_path: Path) -> None:
    node = Machine(tmp_path, answers={("date",): Ran()})

    def recipe() -> None:
        execute(["date"])

    seen = []
    for _ in range(4):
        node.run(recipe)
        seen.append(node.report.causes["flapping"])
    assert seen == [0, 0, 1, 1]
    assert node.report.warnings == [
        "execute[date] changed in each of the last runs, though the same was asked for: "
        "give it creates, removes, unless or a guard, so that it runs only where it is needed"
    ]


def test_what_was_right_once_in_between_does_not_flap(node: Machine) -> None:
    for content in ("mine\n", "mine\n", None, "mine\n", "mine\n"):
        if content is not None:
            node.host.add("/etc/motd", content)
        node.run(motd())

    assert node.report.causes == {"drift_corrected": 1, "intended": 0, "flapping": 0}


def test_what_is_asked_anew_each_time_does_not_flap(node: Machine) -> None:
    for number in range(5):
        node.run(motd(f"{number}\n"))

    assert node.report.causes["flapping"] == 0


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', '{"a": ["x", "y"]}'])
def test_a_damaged_file_forgets_and_heals(node: Machine, tmp_path: Path, damage: str) -> None:
    node.run(motd())
    (tmp_path / "desired.json").write_text(damage)
    node.host.add("/etc/motd", "mine\n")

    assert node.run(motd()) == ["intended"]
    node.host.add("/etc/motd", "mine\n")
    assert node.run(motd()) == ["drift"]


def test_what_flapped_and_does_not_any_more_is_told_once(node: Machine, tmp_path: Path) -> None:
    def each_time() -> list[str]:
        memory = Memory(tmp_path / "desired.json")
        memory.note("file[/etc/motd]", "hello", changed=next(changes))
        memory.save()
        return memory.settled

    changes = iter([True, True, True, True, False, False])

    assert [each_time() for _ in range(6)] == [[], [], [], [], ["file[/etc/motd]"], []]


def test_R12_where_nothing_can_be_written_a_run_goes_on_and_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("in place of a folder, so that nothing can be written below it")
    memory = Memory(tmp_path / "full" / "desired.json")

    assert memory.note("file[/etc/motd]", "hello", changed=True) == ("intended", False)
    with pytest.raises(OSError, match="full"):
        memory.save()
