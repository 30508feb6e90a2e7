"""What a shell is told when the tab key is pressed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

import toque.cli
from tests.needs import needs
from toque.cli.group import toque as program


def completed(line: str) -> list[str]:
    words = line.split(" ")
    complete = BashComplete(program, {}, "toque", "_TOQUE_COMPLETE")
    return [each.value for each in complete.get_completions(words[1:-1], words[-1])]


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("toque o", ["opsworks"]),
        ("toque opsworks describe-stack-s", ["describe-stack-summary"]),
        ("toque opsworks wait instance-o", ["instance-online"]),
        ("toque opsworks wait instance-online --instance", ["--instance-ids"]),
        ("toque opsworks describe-stacks --stack", ["--stack-ids"]),
        ("toque opsworks create-app --no-enable", ["--no-enable-ssl"]),
        ("toque opsworks --region x describe-stacks --output y", ["yaml", "yaml-stream"]),
        ("toque --region x opsworks describe-stacks --stack-ids a --q", ["--query"]),
        ("toque opsworks put-data-bag-item --level s", ["stack"]),
        ("toque stack s", ["show", "start", "stop"]),
        ("toque instance start --w", ["--wait"]),
        ("toque instance list --output j", ["json"]),
    ],
)
def test_names_options_and_choices_are_completed(line: str, some: list[str]) -> None:
    assert completed(line) == some


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_lines_that_call_back(shell: str) -> None:
    done = CliRunner().invoke(program, ["completion", shell])

    assert done.exit_code == 0
    assert f"_TOQUE_COMPLETE={shell}_complete" in done.output


@needs("bash")
def test_bash_completes_with_the_lines_that_we_print(tmp_path: Path) -> None:
    (tmp_path / "toque").write_text(f'#!/bin/sh\nexec {sys.executable} -m toque.cli "$@"\n')
    (tmp_path / "toque").chmod(0o755)
    script = (
        'eval "$(toque completion bash)"; COMP_WORDS=(toque opsworks describe-stack-s); COMP_CWORD=2; '
        '_toque_completion toque; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(toque.cli.__file__).parent.parent.parent),
    }
    bash = shutil.which("bash")
    assert bash is not None

    done = subprocess.run(
        [bash, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "describe-stack-summary\n", done.stderr
