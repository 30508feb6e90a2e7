"""Updates of the operating system in a Setup (02 § 9), with an `apt-get` that only writes down what it is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.agent.cookbook.test_execute import RunDirectory

COOKBOOK = Path(__file__).resolve().parents[3] / "cookbooks" / "toque"
ON = {"install_updates": True}

pytestmark = pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="this system has no apt")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    made = RunDirectory(tmp_path)
    shutil.copytree(COOKBOOK, made.path / "cookbooks/builtin/toque", ignore=shutil.ignore_patterns("__pycache__"))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text(f'#!/bin/sh\necho "$1" >> {made.out}/asked\n')
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return made


def asked(run: RunDirectory, args: dict[str, Any], **settings: Any) -> list[str]:
    """What apt-get was told in a Setup whose command has these arguments."""
    command = {"id": "c-1", "type": "setup", "args": {"app_ids": [], **args}}
    level = ["stack", {"toque": {"manage_hosts": False, **settings}}]
    bags = {"aws_opsworks_command": {"c-1": command}, "aws_opsworks_layer": {}}
    assert run.execute([], system=["toque::setup"], bags=bags, levels=[level]) == 0
    told = run.out / "asked"
    return told.read_text().split() if told.exists() else []


def test_02_L12_the_setup_after_a_boot_brings_every_package_up_to_date(run: RunDirectory) -> None:
    assert asked(run, ON) == ["update", "dist-upgrade"]


def test_02_20_a_setup_that_is_not_told_to_installs_no_updates(run: RunDirectory) -> None:
    assert asked(run, {}) == []


def test_the_attribute_toque_updates_on_boot_keeps_updates_away(run: RunDirectory) -> None:
    assert asked(run, ON, updates_on_boot=False) == []
