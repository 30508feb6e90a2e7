from __future__ import annotations

import subprocess
import sys

import toque.sandbox


def test_every_public_name_is_there() -> None:
    for name in toque.sandbox.__all__:
        assert getattr(toque.sandbox, name) is not None


def test_pid_1_imports_no_third_party_package() -> None:
    code = (
        "import sys; before = set(sys.modules); import toque.sandbox.init;"
        "print(*sorted({n.partition('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )

    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout.split() == ["toque"]
