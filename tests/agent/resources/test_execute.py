from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, LocalHost, NotConverged, Ran, Run, Secret, converge
from toque.core.report import Report
from toque.resources.execute import Execute
from toque.testing.machine import FakeHost


def test_what_it_makes_decides_whether_it_runs() -> None:
    host = FakeHost()

    converge(Execute(["touch", "/srv/a"], creates="/srv/a"), host)
    converge(Execute(["touch", "/srv/a"], creates="/srv/a"), host)

    assert host.ran == ["touch /srv/a"]


def test_it_runs_only_while_what_it_removes_is_there() -> None:
    host = FakeHost(files={"/srv/lock": ""}, answers={("unlock",): lambda host: _removed(host, "/srv/lock")})

    converge(Execute(["unlock"], removes="/srv/lock"), host)

    assert host.ran == ["unlock"]
    assert converge(Execute(["unlock"], removes="/srv/lock"), host) is None


def test_unless_that_succeeds_keeps_it_from_running() -> None:
    assert converge(Execute(["touch", "/srv/a"], unless=["true"]), FakeHost()) is None


def test_a_program_that_does_not_make_what_it_should_is_an_error() -> None:
    host = FakeHost(answers={("make",): Ran()})

    with pytest.raises(NotConverged):
        converge(Execute(["make"], creates="/srv/never"), host)


def test_without_a_check_it_runs_each_time() -> None:
    host = FakeHost(answers={("date",): Ran()})

    assert converge(Execute(["date"]), host) is not None
    assert converge(Execute(["date"]), host) is not None


def test_only_the_named_exit_codes_are_a_success() -> None:
    host = FakeHost(answers={("grep", "x"): Ran(code=1)})

    converge(Execute(["grep", "x"], returns=[0, 1]), host)

    with pytest.raises(CommandFailed, match="grep x ended with exit code 1"):
        converge(Execute(["grep", "x"]), host)


def test_one_that_waits_to_be_told_does_nothing_by_itself() -> None:
    host = FakeHost(answers={("reload",): Ran()})
    told = Execute(["reload"], when_told=True)

    assert converge(told, host) is None
    told.run(host)

    assert host.ran == ["reload"]


def test_what_turns_out_to_have_changed_nothing_is_no_change_and_its_words_are_kept() -> None:
    host = FakeHost(answers={("migrate",): Ran(out="nothing to migrate\n")})
    want = Execute(["migrate"], changed_when=lambda ran: "nothing" not in ran.out)

    assert converge(want, host) is None
    assert want.out == "nothing to migrate\n"


def test_a_function_may_say_that_there_is_nothing_to_do() -> None:
    assert converge(Execute(["touch", "/srv/a"], unless=lambda: True), FakeHost()) is None


def test_a_text_needs_the_shell_and_the_shell_a_text() -> None:
    host = FakeHost(answers={("/bin/sh", "-c", "a | b"): Ran()})

    converge(Execute("a | b", shell=True), host)

    assert host.ran == ["/bin/sh -c a | b"]
    with pytest.raises(BadProperty, match=r"a list of arguments, e.g. \['a', 'b'\]"):
        Execute("a b")
    with pytest.raises(BadProperty, match="shell=True takes the command as a text"):
        Execute(["a"], shell=True)


def test_what_it_says_goes_to_the_log_while_it_runs_secrets_hidden() -> None:
    said: list[str] = []
    token = Secret("open sesame")
    with Run(LocalHost(), report=Report(say=said.append)) as run:
        run.converge(Execute(["sh", "-c", f"echo one; echo two {token.reveal()} >&2; printf three"], live=True))

    assert said[:-1] == ["    one", "    three", "    two ***"]


def test_no_program_is_no_command() -> None:
    with pytest.raises(BadProperty, match="needs a program"):
        Execute([])


def _removed(host: FakeHost, path: str) -> Ran:
    del host.nodes[path]
    return Ran()


def test_S22_an_environment_that_no_program_can_have_is_refused() -> None:
    with pytest.raises(BadProperty, match="execute environment must map names such as PORT to text; 'A=B' does not"):
        Execute(["a"], environment={"A=B": "x"})


CASES = [
    Case(Execute(["touch", "/srv/a"], creates="/srv/a"), partial(FakeHost, files=found))
    for found in ({}, {"/srv/a": ""})
] + [
    Case(Execute(["touch", "/srv/a"], unless=["test", "-e", "/srv/a"]), FakeHost),
    Case(Execute(["touch", "/srv/a"], when_told=True), FakeHost),
]
