"""Each rule: a cookbook that it speaks about, and one about which it is silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from toque.cookbook.lint import all_rules, apply_fixes, lint_cookbook

MANIFEST = '[cookbook]\nname = "web"\nversion = "1.0.0"\ndescription = "A web server"\nplatforms = ["debian"]\n'
IMPORTS = (
    "from toque import (Secret, archive, block_of_python, execute, file, http_request, include_recipe, link, log, node,\n"
    "    package, remote_file, script, service, settings, template)\n"
)


@dataclass(frozen=True)
class Example:
    """A recipe's line (line 3 of the file) that a rule speaks about, and one that is right; other files of both."""

    rule: str
    bad: str
    good: str
    files: dict[str, str] = field(default_factory=dict)
    fixed: str | None = None


# fmt: off
EXAMPLES = [
    Example("TQ101", 'execute(["make"])', 'execute(["make"], creates="/srv/a")'),
    Example("TQ101", 'script("x", code=":")', 'script("x", code=":", changed_when=lambda ran: False)'),
    Example("TQ101", 'http_request("http://x/", method="POST")', 'http_request("http://x/")'),
    Example("TQ102", 'script("x", code=f"rm {node.x}", creates="/a")', 'script("x", code="rm $1", args=[node.x], creates="/a")'),
    Example("TQ102", 'execute(["sh", "-c", "echo " + node.x], creates="/a")', 'execute(["sh", "-c", "echo"], creates="/a")'),
    Example("TQ102", 'execute("ls %s" % node.x, shell=True, creates="/a")', 'execute("ls", shell=True, creates="/a")'),
    Example("TQ103", 'execute(["apt-get", "install", "x"], creates="/a")', 'package("x")'),
    Example("TQ103", 'execute(["/usr/bin/systemctl", "start", "x"], creates="/a")', 'execute(["x-ctl"], creates="/a")'),
    Example("TQ104", 'execute(["x", node.password], creates="/a")', 'execute(["x"], environment={"P": node.password}, creates="/a")'),
    Example("TQ104", 'execute(["x", f"--token={node[\'api_token\']}"], creates="/a")', 'execute(["x", node.name], creates="/a")'),
    Example("TQ105", 'service("x").restart()', 'service("x", restart_on=[file("/a")])'),
    Example("TQ106", "import time; time.sleep(3)", "pass"),
    Example("TQ107", 'package("x", ignore_failure=True)', 'package("x", ignore_failure=True, why="nice to have")'),
    Example("TQ201", 'file("/a", mode=0o644)', 'file("/a", mode="0644")', fixed='file("/a", mode="0644")'),
    Example("TQ201", 'file("/a", mode=644)', 'file("/a", mode="0644")', fixed='file("/a", mode="0644")'),
    Example("TQ202", 'file("/a", mode="640")', 'file("/a", mode="0640")', fixed='file("/a", mode="0640")'),
    Example("TQ203", 'file("/a", mode="0666")', 'file("/a", mode="1777")'),
    Example("TQ203", 'file("/a", mode="0777")', 'file("/a", mode="0777", why="shared by all")'),
    Example("TQ204", 'file("/a", content=Secret("x"), mode="0644")', 'file("/a", content=Secret("x"), mode="0640")'),
    Example("TQ205", 'remote_file("/a", url="http://x/y")', 'remote_file("/a", url="http://x/y", sha256="00")'),
    Example("TQ206", "import subprocess", "import json"),
    Example("TQ206", 'open("/etc/motd", "w")', 'open("/etc/motd")'),
    Example("TQ206", 'import os; os.remove("/a")', 'block_of_python("x", lambda: __import__("os").remove("/a"), unless=bool)'),
    Example("TQ207", 'file("/etc/sudoers.d/x", content="y")', 'file("/etc/sudoers.d/x", content="y", verify="sudoers")'),
    Example("TQ208", 'file("etc/motd")', 'file("/etc/motd")'),
    Example("TQ301", 'template("/a", source="a.j2")', 'template("/a", source="a.j2", port=1)', {"templates/a.j2": "{{ port }}"}),
    Example("TQ301", 'template("/a", source="a.j2")', 'template("/a", source="a.j2", variables={"inner": 1})',
            {"templates/a.j2": '{% include "b.j2" %}', "templates/b.j2": "{{ inner }}"}),
    Example("TQ302", 'template("/a", source="a.j2", port=1, prot=2)', 'template("/a", source="a.j2", port=1)',
            {"templates/a.j2": "{{ port }}{{ node.name }}"}),
    Example("TQ303", 'template("/a", source="b.j2")', 'template("/a", source="a.j2")', {"templates/a.j2": ""}),
    Example("TQ303", 'file("/a", source="b")', 'file("/a", source="a")', {"files/a": ""}),
    Example("TQ304", 'log("x")', 'template("/a", source="a.j2")', {"templates/a.j2": ""}),
    Example("TQ404", 'include_recipe("web::defualt")', 'include_recipe("web::default")'),
    Example("TQ405", 'include_recipe("other")', 'include_recipe("web")'),
    Example("TQ405", "from cookbooks.other.x import y", "from cookbooks.web.x import y"),
    Example("TQ406", 'print("x")', 'log("x")', fixed='log("x")'),
    Example("TQ407", 'file("/a", only_if=node.ready())', 'file("/a", only_if=lambda: node.ready())'),
    Example("TQ407", 'file("/a", not_if=node.cpu.count > 2)', 'file("/a", not_if=node.ready)'),
    Example("TQ408", 'service("x", restart_on=["conf"])', 'service("x", restart_on=[file("/a")])'),
    Example("TQ409", 'package("x"); package("x", version="1")', 'package("x"); package("y", version="1")'),
    Example("TQ410", "try: package('x')\nexcept Exception: pass", "try: package('x')\nexcept KeyError: pass"),
    Example("TQ411", "log(settings.prot)", "log(str(settings.port))", {"settings.py": "class Settings:\n    port: int = 1\n"}),
]
# fmt: on


def cookbook(root: Path, recipe: str, files: dict[str, str] | None = None) -> Path:
    given = {
        "cookbook.toml": MANIFEST,
        "recipes/default.py": f"{IMPORTS}{recipe}\n",
        "tests/test_default.py": "",
        **(files or {}),
    }
    for name, text in given.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def said(root: Path) -> set[str]:
    return {each.rule for each in lint_cookbook(root)}


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e.rule}-{n}" for n, e in enumerate(EXAMPLES)])
def test_a_rule_speaks_about_what_is_wrong_and_not_about_what_is_right(example: Example, tmp_path: Path) -> None:
    bad = cookbook(tmp_path / "bad", example.bad, example.files)
    good = cookbook(tmp_path / "good", example.good, example.files)

    assert example.rule in said(bad)
    assert example.rule not in said(good)


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e.fixed], ids=[f"{e.rule}-{n}" for n, e in enumerate(EXAMPLES) if e.fixed]
)
def test_what_can_be_mended_is_mended(example: Example, tmp_path: Path) -> None:
    root = cookbook(tmp_path, example.bad)

    assert apply_fixes(lint_cookbook(root)) == 1

    assert (root / "recipes/default.py").read_text() == f"{IMPORTS}{example.fixed}\n"
    assert example.rule not in said(root)


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("TQ001", {"recipes/other.py": "def\n"}),
        ("TQ305", {"templates/a.j2": "{% if %}"}),
        ("TQ401", {"cookbook.toml": MANIFEST.replace('platforms = ["debian"]', "")}),
        ("TQ402", {"cookbook.toml": MANIFEST.replace('description = "A web server"', "")}),
    ],
    ids=["TQ001", "TQ305", "TQ401", "TQ402"],
)
def test_what_is_wrong_with_the_cookbook_as_a_whole(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    assert rule not in said(cookbook(tmp_path / "good", "log('x')"))
    assert rule in said(cookbook(tmp_path / "bad", "log('x')", files))


def test_TQ403_a_cookbook_without_tests(tmp_path: Path) -> None:
    root = cookbook(tmp_path, "log('x')")
    (root / "tests/test_default.py").unlink()

    assert said(root) == {"TQ403"}


def test_every_rule_has_an_example_and_a_reason() -> None:
    tested = {each.rule for each in EXAMPLES} | {"TQ305", "TQ401", "TQ402", "TQ403"}

    assert {each.id for each in all_rules()} == tested
    assert all(each.why and each.hint for each in all_rules())


def test_a_comment_keeps_a_rule_from_speaking_of_its_line(tmp_path: Path) -> None:
    root = cookbook(tmp_path, 'execute(["make"])  # toque: ignore[TQ101]\nexecute(["make"])')

    [finding] = lint_cookbook(root)

    assert (finding.rule, finding.line) == ("TQ101", 4)


def test_rules_are_chosen_by_their_ids_and_the_beginnings_of_them(tmp_path: Path) -> None:
    root = cookbook(tmp_path, 'execute(["make"]); file("a", mode=644)')

    assert {each.rule for each in lint_cookbook(root, select=["TQ2"])} == {"TQ201", "TQ208"}
    assert {each.rule for each in lint_cookbook(root, ignore=["TQ201", "TQ1"])} == {"TQ208"}


def test_words_are_known_under_other_names(tmp_path: Path) -> None:
    root = cookbook(tmp_path, 'from toque import execute as run\nimport toque\nrun(["make"])\ntoque.execute(["make"])')

    assert [each.line for each in lint_cookbook(root, select=["TQ101"])] == [5, 6]
