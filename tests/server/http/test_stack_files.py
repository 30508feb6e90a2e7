"""`toque stack export|diff|apply` against the real application on loopback."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque.cli.group import toque
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services

Run = Callable[..., Result]
# Before a test goes elsewhere: entries may be relative.
_HERE = [str(Path(each).absolute()) for each in sys.path]
MANUAL = Path(__file__).resolve().parents[3] / "docs" / "stack-files.md"

SHOP = """\
stack: {name: shop}
layers:
  front:
    packages: [curl]
apps:
  blog:
    environment: {STAGE: test, TOKEN: !secret BLOG_TOKEN}
"""


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    made = first_administrator(services)
    for name in [each for each in os.environ if each.startswith(("TOQUE_", "AWS_"))]:
        monkeypatch.delenv(name)
    with served(services) as url:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setenv("TOQUE_SERVER_URL", url)
        monkeypatch.setenv("TOQUE_API_TOKEN", made["api_token"])
        monkeypatch.chdir(tmp_path)
        yield lambda *words, **more: CliRunner().invoke(toque, ["stack", *words], **more)


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


def test_a_file_is_shown_applied_and_then_agrees(run: Run, root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shop.yaml").write_text(SHOP)
    monkeypatch.setenv("TOQUE_SECRET_BLOG_TOKEN", "hunter2")

    shown = run("diff", "shop.yaml")
    asked = run("apply", "shop.yaml")
    applied = run("apply", "shop.yaml", "--yes")
    again = run("apply", "shop.yaml", "--yes")

    assert (shown.exit_code, asked.exit_code, applied.exit_code, again.exit_code) == (10, 2, 0, 0)
    assert shown.stdout.splitlines() == [
        "+ stack shop",
        "    name: shop",
        "+ layer front",
        '    packages: ["curl"]',
        "+ app blog",
        '    environment: {"STAGE": "test", "TOKEN": "(secret)"}',
        "stack shop: 3 to create",
    ]
    assert "please add --yes" in asked.stderr
    assert applied.stdout.splitlines()[-4:] == [
        "done: + stack shop",
        "done: + layer front",
        "done: + app blog",
        "stack shop is as the file says",
    ]
    assert again.stdout == "stack shop: no differences\n"
    assert "hunter2" not in shown.output + applied.output
    stack = root("DescribeStacks")["Stacks"][0]["StackId"]
    [app] = root("DescribeApps", StackId=stack)["Apps"]
    assert app["Environment"][1] == {"Key": "TOKEN", "Value": "*****FILTERED*****", "Secure": True}


def test_an_export_is_a_private_file_that_agrees_with_its_stack(run: Run, root: Caller) -> None:
    root.layer(root.stack(), "front")

    assert run("export", "shop", "-o", "shop.yaml").exit_code == 0

    assert Path("shop.yaml").stat().st_mode & 0o777 == 0o600
    assert run("export", "shop").stdout == Path("shop.yaml").read_text()
    assert (run("diff", "shop.yaml").exit_code, run("diff", "shop.yaml", "--prune").exit_code) == (0, 0)


def test_it_stops_at_the_first_refusal_says_how_far_it_came_and_goes_on_when_run_again(run: Run, root: Caller) -> None:
    wrong = "stack: {name: shop}\nlayers: {a: {}, b: {packages: [-x]}, c: {}}"

    stopped = run("apply", "-", "--yes", input=wrong)
    goes_on = run("apply", "-", "--yes", input=wrong.replace("-x", "curl"))

    assert stopped.exit_code == 254
    assert "stopped at + layer b (ValidationException): Packages: '-x' is not the name of a package" in stopped.stderr
    assert "2 of 4 steps are done; not done:\n    + layer b\n    + layer c\n" in stopped.stderr
    assert goes_on.exit_code == 0
    assert "+ stack" not in goes_on.stdout
    assert "+ layer a" not in goes_on.stdout
    stack = root("DescribeStacks")["Stacks"][0]["StackId"]
    assert [each["Shortname"] for each in root("DescribeLayers", StackId=stack)["Layers"]] == ["a", "b", "c"]


def test_secrets_come_from_a_file_and_nothing_is_done_while_one_is_missing(run: Run, root: Caller) -> None:
    Path("shop.yaml").write_text(SHOP)
    Path("secrets.yaml").write_text("BLOG_TOKEN: 0123\n")
    Path("secrets.yaml").chmod(0o600)

    missing = run("apply", "shop.yaml", "--yes")
    given = run("apply", "shop.yaml", "--yes", "--secrets", "secrets.yaml")

    assert missing.exit_code == 1
    assert "secrets are missing: give BLOG_TOKEN in a file of NAME: value lines" in missing.stderr
    assert given.exit_code == 0
    assert len(root("DescribeStacks")["Stacks"]) == 1


def test_what_is_left_is_told_and_pruned_when_asked(run: Run, root: Caller) -> None:
    root.layer(root.stack(), "old")
    run("export", "shop", "-o", "all.yaml")
    text = re.sub(r"(?s)\nlayers:.*?\n\n", "\nlayers: {}\n\n", Path("all.yaml").read_text())
    Path("all.yaml").write_text(text)

    left = run("diff", "all.yaml")
    pruned = run("apply", "all.yaml", "--prune", "--yes")

    assert left.exit_code == 0
    assert "layer old is not in the file, and is left alone (--prune deletes it)" in left.stdout
    assert pruned.exit_code == 0
    assert "- layer old" in pruned.stdout


def test_a_terminal_is_asked_and_sees_colours(run: Run, root: Caller) -> None:
    Path("shop.yaml").write_text("stack: {name: shop}\n")

    assert run("diff", "shop.yaml").exit_code == 10
    for answer, status in (("n", 1), ("y", 0), ("y", 0)):
        said, code = on_a_terminal(answer, "stack", "apply", "shop.yaml")
        assert code == status, said
        if "+ stack" in said:
            assert "\x1b[32m+ stack shop\x1b[0m" in said
            assert "Carry this out? [y/N]" in said
    assert "no differences" in said
    assert len(root("DescribeStacks")["Stacks"]) == 1


def on_a_terminal(answer: str, *words: str) -> tuple[str, int]:
    """What the program shows on a terminal where somebody answers so, and its exit status."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from toque.cli import main; main()", *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(_HERE)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        # A terminal that nobody holds any more answers EIO.
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                shown += piece
        os.close(ours)
        return shown.decode(), process.wait(timeout=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diff", "gone.yaml"), "gone.yaml cannot be read: No such file"),
        (("diff", "bad.yaml"), "bad.yaml:2:1: layrs: there is no such setting (did you mean layers?)"),
        (("diff", "good.yaml", "--secrets", "list.yaml"), "must hold NAME: value"),
        (("export", "shop", "-o", "no/such/folder"), "cannot be written"),
    ],
)
def test_a_wrong_command_line_or_file_never_changes_anything(
    run: Run, root: Caller, words: tuple[str, ...], said: str
) -> None:
    root.stack()
    Path("bad.yaml").write_text("stack: {name: shop}\nlayrs: {}\n")
    Path("good.yaml").write_text("stack: {name: shop}\n")
    Path("list.yaml").write_text("[a]")

    refused = run(*words)

    assert refused.exit_code == 2
    assert said in refused.stderr


def test_a_stack_that_is_not_there_is_named(run: Run) -> None:
    gone = run("export", "nothing")

    assert gone.exit_code == 254
    assert "there is no stack nothing; `toque stack list` shows all" in gone.stderr


def test_the_example_of_the_manual_can_be_applied(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(r"```yaml\n(toque: 1\n.*?)```", MANUAL.read_text(), re.DOTALL)
    for name in re.findall(r"!secret ([A-Z_]+)", example):
        monkeypatch.setenv(f"TOQUE_SECRET_{name}", "a-secret")

    applied = run("apply", "-", "--yes", input=example)
    exported = run("export", "shop").stdout
    again = run("diff", "-", "--prune", input=example)

    assert applied.exit_code == 0, applied.output
    assert again.exit_code == 0, again.output
    assert run("diff", "-", "--prune", input=exported).exit_code == 0
