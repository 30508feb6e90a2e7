from __future__ import annotations

import os
from pathlib import Path

from toque.sandbox.console import LIMIT, Console


def test_a_console_that_grows_keeps_its_end(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    console = Console(descriptor)
    os.write(descriptor, b"x" * LIMIT)

    console.say("the last word")
    console.keep_short()
    console.say("and one more")

    os.close(descriptor)
    text = path.read_text()
    assert len(text) < LIMIT / 2
    assert text.splitlines()[-2].endswith("the last word")
    assert text.endswith("and one more\n")


def test_a_short_console_is_left_alone(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "console.log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    console = Console(descriptor)

    console.say("hello")
    console.keep_short()

    os.close(descriptor)
    assert (tmp_path / "console.log").read_text().endswith("toque-init: hello\n")
