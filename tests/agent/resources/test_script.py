from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, LocalHost, NotConverged, Ran, Secret, converge
from toque.resources.script import Script
from toque.testing.machine import FakeHost

BASH = ("bash", "-euo", "pipefail", "{script}")


def test_the_code_is_handed_over_and_is_no_argument() -> None:
    host = FakeHost(answers={(*BASH, "a"): Ran(out="done\n")})
    want = Script("greet", code="echo done", args=["a"])

    converge(want, host)

    assert host.ran == ["bash -euo pipefail {script} a"]
    assert host.inputs == ["echo done"]
    assert (want.out, want.exit_code) == ("done\n", 0)


def test_what_it_makes_decides_whether_it_runs() -> None:
    assert converge(Script("x", code="touch /srv/a", creates="/srv/a"), FakeHost(files={"/srv/a": ""})) is None


def test_a_script_that_does_not_make_what_it_should_is_an_error() -> None:
    with pytest.raises(NotConverged):
        converge(Script("x", code=":", creates="/srv/a"), FakeHost(answers={BASH: Ran()}))


def test_what_turns_out_to_have_changed_nothing_is_no_change() -> None:
    host = FakeHost(answers={BASH: Ran(out="already there\n")})

    assert converge(Script("x", code=":", changed_when=lambda ran: "already" not in ran.out), host) is None


@pytest.mark.parametrize(
    ("interpreter", "code", "said"),
    [
        ("bash", "set -o | grep -c 'pipefail.*on'; echo $1", "1\ntwo words\n"),
        ("sh", 'echo "$1"', "two words\n"),
        ("python", "import sys; print(sys.argv[1:])", "['two words']\n"),
        ("perl", 'print "$ARGV[0]\\n"', "two words\n"),
        (["awk", "-f"], "BEGIN { print ARGV[1] }", "two words\n"),
    ],
    ids=["bash", "sh", "python", "perl", "awk"],
)
def test_each_interpreter_reads_it_on_this_machine(interpreter: str, code: str, said: str) -> None:
    want = Script("x", code=code, interpreter=interpreter, args=["two words"])

    converge(want, LocalHost())

    assert want.out == said


def test_bash_stops_at_the_first_command_of_a_pipe_that_fails() -> None:
    with pytest.raises(CommandFailed, match="exit code 1"):
        converge(Script("x", code="false | cat\necho not reached"), LocalHost())


def test_the_code_does_not_eat_its_own_input() -> None:
    want = Script("x", code="cat\necho end", input="given\n")

    converge(want, LocalHost())

    assert want.out == "given\nend\n"


def test_a_secret_in_the_code_reaches_the_interpreter_and_nothing_else() -> None:
    want = Script("x", code=Secret("test 'the secret' = 'the secret' && tr '\\0' ' ' </proc/$$/cmdline"))

    converge(want, LocalHost())

    assert "the secret" not in (want.out or "the secret")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "x"}, "code or source"),
        ({"name": "x", "code": "a", "source": "b"}, "code or source"),
        ({"name": "a\nb", "code": ":"}, "one line"),
        ({"name": "x", "code": ":", "interpreter": []}, "must name a program"),
    ],
    ids=["nothing", "both", "two lines", "no interpreter"],
)
def test_what_cannot_be_run_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Script(**given)  # type: ignore[arg-type]


def _made(host: FakeHost) -> Ran:
    host.add("/srv/a", b"")
    return Ran()


def test_S22_an_environment_that_no_program_can_have_is_refused() -> None:
    with pytest.raises(BadProperty, match="script environment must map names such as PORT to text; 'A=B' does not"):
        Script("a", code="x", environment={"A=B": "x"})


CASES = [
    Case(Script("x", code="touch /srv/a", creates="/srv/a"), partial(FakeHost, files=found, answers={BASH: _made}))
    for found in ({}, {"/srv/a": ""})
]
