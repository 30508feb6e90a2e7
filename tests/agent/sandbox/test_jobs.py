from __future__ import annotations

import os
from pathlib import Path

import pytest

from toque.sandbox.jobs import spawn


@pytest.mark.parametrize(("first", "second"), [(9, 10), (10, 9), (10, 11)])
def test_the_two_streams_stay_apart_whatever_their_descriptors_are(tmp_path: Path, first: int, second: int) -> None:
    saved = {number: os.dup(number) for number in (first, second) if _is_open(number)}
    try:
        for number, name in ((first, "out"), (second, "err")):
            opened = os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT, 0o600)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        pid = spawn(["sh", "-c", "echo out; echo err >&2"], dict(os.environ), out=first, err=second)
        assert pid is not None
        os.waitpid(pid, 0)
    finally:
        for number in (first, second):
            os.close(number)
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)

    assert [(tmp_path / name).read_text() for name in ("out", "err")] == ["out\n", "err\n"]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
