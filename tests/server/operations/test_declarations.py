from __future__ import annotations

from pathlib import Path

import toque.cli
from toque_server.operations import registry
from toque_server.operations.declarations import text

FILE = Path(toque.cli.__file__).with_name("operations.json")


def test_d21_the_command_line_s_declarations_are_the_server_s() -> None:
    # Other tests declare operations of their own, under the same registry.
    known = {name: op for name, op in registry.load().items() if op.run.__module__.startswith("toque_server.")}
    strays = {name: registry.OPERATIONS.pop(name) for name in set(registry.OPERATIONS) - set(known)}
    try:
        made = text()
    finally:
        registry.OPERATIONS.update(strays)

    assert FILE.read_text(encoding="utf-8") == made, (
        "write it anew: python -m toque_server.operations.declarations > agent/toque/cli/operations.json"
    )
