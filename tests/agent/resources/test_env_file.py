from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, converge
from toque.core.diffs import describe
from toque.resources.env_file import EnvFile
from toque.testing.machine import FakeHost, Node

HARD = {"A": "a b", "B": 'q"uo\\te$x`y`', "C": "two\nlines", "D": "", "E": "it's", "F": "#no comment ", "G": "caf\xe9"}


def content(want: EnvFile) -> str:
    host = FakeHost(users={"root": 0, "shop": 700})
    converge(want, host)
    return (host.read(want.path) or b"").decode()


def test_variables_are_written_one_a_line_and_only_for_the_owner() -> None:
    host = FakeHost()

    converge(EnvFile("/etc/shop.env", {"PORT": 8080, "DEBUG": False, "NOTHING": None, "NAME": "a b"}), host)

    assert host.nodes["/etc/shop.env"] == Node(content=b'PORT="8080"\nDEBUG="false"\nNAME="a b"\n', mode=0o600)


def test_what_is_written_for_systemd_a_shell_reads_back_unchanged(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(content(EnvFile("/etc/shop.env", HARD)))

    script = f'. {tmp_path}/env; for name in {" ".join(HARD)}; do eval "printf \'%s\\\\0\' \\"\\$$name\\""; done'
    read = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert read.split("\0")[:-1] == list(HARD.values())


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain-1.0", "plain-1.0"),
        ("a b", "'a b'"),
        ('pa$$ "word"', "'pa$$ \"word\"'"),
        ("it's", '"it\'s"'),
        ("-----BEGIN\nabc=\n", '"-----BEGIN\\nabc=\\n"'),
        ("", ""),
    ],
    ids=["plain", "space", "signs", "single-quote", "lines", "empty"],
)
def test_dotenv_values_are_quoted_as_all_readers_understand(value: str, line: str) -> None:
    assert content(EnvFile("/srv/.env", {"A": value}, format="dotenv")) == f"A={line}\n"


def test_a_value_that_dotenv_readers_read_differently_is_refused_without_showing_it() -> None:
    with pytest.raises(BadProperty, match="the value of PASSWORD has quotes") as refused:
        EnvFile("/srv/.env", {"PASSWORD": "it's $5"}, format="dotenv")

    assert "$5" not in str(refused.value)


def test_secrets_are_hidden_in_the_diff_quoted_old_and_dropped_ones_as_well() -> None:
    old = 'PORT="80"\nPASSWORD="old one"\nTOKEN="dropped"\nKEY="first\nsecond"\n'
    want = EnvFile("/etc/a", {"PORT": 8080, "PASSWORD": Secret('new$one"!')})
    change = converge(want, FakeHost(files={"/etc/a": old}), dry_run=True)

    assert change is not None
    _, diff = describe(want, change)
    assert [line for line in diff.splitlines() if line[:1] in "+-"][2:] == [
        '-PORT="80"',
        "-PASSWORD=*** (another value)",
        "-TOKEN=*** (another value)",
        "-KEY=*** (another value)",
        '+PORT="8080"',
        "+PASSWORD=***",
    ]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"a-b": "x"}, "names such as DATABASE_URL, got 'a-b'"),
        ({"A\nB": "x"}, "names such as"),
        ({"A": ["x"]}, "A must be text, a number, True or False, got list"),
        ({"A": "x\0"}, "A has a NUL"),
    ],
    ids=["hyphen", "two-lines", "list", "nul"],
)
def test_what_no_environment_can_hold_is_refused(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        EnvFile("/etc/a", variables)


CASES = [
    Case(want, partial(FakeHost, files=found, users={"root": 0, "shop": 700}))
    for want in (
        EnvFile("/etc/a", {"A": Secret("b c"), "N": 1}, owner="shop"),
        EnvFile("/etc/a", {"A": "b c"}, format="dotenv", mode="0640"),
        EnvFile("/etc/a", present=False),
    )
    for found in ({}, {"/etc/a": "A='b c'\n"}, {"/etc/a": b"\xff"})
]
