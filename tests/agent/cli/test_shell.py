from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toque.cli.group import toque as program


@pytest.fixture(autouse=True)
def own_display(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("displayhook", "ps1", "ps2"):
        monkeypatch.setattr(sys, name, getattr(sys, name, ""), raising=False)


def typed(text: str, *options: str) -> Result:
    return CliRunner().invoke(program, ["shell", *options], input=text)


def test_a_resource_converges_when_it_is_entered(tmp_path: Path) -> None:
    result = typed(f'file("{tmp_path}/a", content="x\\n")\nlast.changed\n')

    assert result.exit_code == 0
    assert (tmp_path / "a").read_text() == "x\n"
    assert result.output.startswith(f"file[{tmp_path}/a] created\n")
    assert result.output.endswith("True\n")


def test_a_dry_run_only_says(tmp_path: Path) -> None:
    result = typed(f'file("{tmp_path}/a", content="x")\n', "--dry-run")

    assert "would be created" in result.output
    assert not (tmp_path / "a").exists()


def test_what_fails_says_why_and_leaves_the_prompt(tmp_path: Path) -> None:
    result = typed(f'execute(["false"])\n1/0\nfile("{tmp_path}/a", contnt="x")\nprint("still here")\n')

    assert result.exit_code == 1
    assert "execute[false] failed\nline 1 of this prompt:1\n" in result.output
    assert "ZeroDivisionError: division by zero" in result.output
    assert "did you mean content?" in result.output
    assert result.output.endswith("still here\n")


def test_the_last_resource_can_be_tried_again(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    result = typed(f'execute(["test", "-e", "{wanted}"])\nopen("{wanted}", "w").close()\nretry()\n')

    assert result.output.count("failed") == 1
    assert f"execute[test -e {wanted}] run" in result.output


def test_statements_over_several_lines_and_plain_python(tmp_path: Path) -> None:
    result = typed(
        f'for name in "ab":\n    file(f"{tmp_path}/{{name}}", content="x")\n\nnode["web"]["port"]\n',
        "-s",
        "web.port=81",
    )

    assert result.exit_code == 0
    assert [(tmp_path / name).exists() for name in "ab"] == [True, True]
    assert result.output.endswith("81\n")


def test_what_was_put_off_is_done_at_the_end(tmp_path: Path) -> None:
    lines = [
        f'told = execute(["touch", "{tmp_path}/told"], when_told=True)',
        f'file("{tmp_path}/a", content="x", notify=[told.run])',
        f'import os; os.path.exists("{tmp_path}/told")',
        "exit()",
    ]
    result = typed("\n".join(lines) + "\n")

    assert "False\n" in result.output
    assert (tmp_path / "told").exists()


def test_a_secret_is_hidden_at_the_prompt_as_well() -> None:
    result = typed('s = Secret("hunter2hunter")\n"is " + s.reveal()\n')

    assert "hunter2hunter" not in result.output
