from __future__ import annotations

import os
from pathlib import Path

from toque.sandbox.lifeline import hold_lifeline, is_held


def test_a_lifeline_is_held_until_its_last_owner_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lifeline"
    one, two = hold_lifeline(path), hold_lifeline(path)
    asker = os.open(path, os.O_RDWR)

    assert is_held(asker)
    os.close(one)
    assert is_held(asker)
    os.close(two)
    assert not is_held(asker)
    os.close(asker)


def test_asking_does_not_hold_it(tmp_path: Path) -> None:
    os.close(hold_lifeline(tmp_path / "lifeline"))
    one, two = (os.open(tmp_path / "lifeline", os.O_RDWR) for _ in range(2))

    assert not is_held(one)
    assert not is_held(two)
    os.close(one)
    os.close(two)
