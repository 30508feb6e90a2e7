"""Functions that hear of what happens in a run."""

from __future__ import annotations

from typing import Any

import pytest

from toque import execute, file, on_event
from toque.core import BadProperty, Ran, ResourceFailed, Run
from toque.core.events import RunFinished, RunStarted
from toque.core.report import Report
from toque.testing.machine import FakeHost


def test_a_function_hears_of_changes_and_failures_from_its_line_on() -> None:
    heard: list[str] = []
    host = FakeHost(answers={("bad",): Ran(code=1)})

    with pytest.raises(ResourceFailed), Run(host):
        file("/etc/before", content="x")
        on_event("resource.changed", lambda event: heard.append(f"{event.resource} {event.resource.diff[-2:]}"))
        on_event("resource.failed", lambda event: heard.append(f"{event.resource}: {event.error}"))
        file("/etc/a", content="x")
        file("/etc/a", content="x")
        execute(["bad"], ignore_failure=True)
        execute(["bad"])

    said = "execute[bad]: bad ended with exit code 1"
    assert heard == ["file[/etc/a] +x", said, said]


def test_who_asks_for_the_start_hears_of_it_at_once() -> None:
    heard: list[Any] = []

    with Run(FakeHost()):
        on_event("run.started", heard.append)
        assert heard == [RunStarted()]


def test_a_function_that_raises_is_a_warning_and_no_failure() -> None:
    log, heard = list[str](), list[Any]()

    def broken(event: object) -> None:
        raise KeyError("token")

    with Run(FakeHost(), report=Report(say=log.append)) as run:
        on_event("resource.changed", broken)
        on_event("resource.changed", heard.append)
        file("/etc/a", content="x\n")

    assert run.report.counts["failed"] == 0
    assert any("broken failed at resource.changed: KeyError: 'token'" in line for line in log)
    assert len(heard) == 1


def test_what_a_function_does_itself_is_no_event() -> None:
    host, heard = FakeHost(answers={("tell",): Ran()}), list[str]()

    def tell(event: Any) -> None:
        heard.append(str(event.resource))
        execute(["tell"])

    with Run(host):
        on_event("resource.changed", tell)
        file("/etc/a", content="x")
        file("/etc/b", content="x")

    assert heard == ["file[/etc/a]", "file[/etc/b]"]
    assert host.ran == ["write /etc/a", "tell", "write /etc/b", "tell"]


def test_a_plan_calls_nobody() -> None:
    heard: list[Any] = []

    with Run(FakeHost(), dry_run=True) as run:
        on_event("run.started", heard.append)
        on_event("resource.changed", heard.append)
        on_event("run.finished", heard.append)
        file("/etc/a", content="x")
        run.tell(RunFinished(0, "", {}))

    assert heard == []


def test_an_event_that_does_not_exist_is_named_with_the_nearest() -> None:
    with Run(FakeHost()):
        with pytest.raises(BadProperty, match=r"no event 'resource.change' \(did you mean resource.changed\?\)"):
            on_event("resource.change", print)  # type: ignore[call-overload]
        with pytest.raises(BadProperty, match="needs a function"):
            on_event("run.started", "print")  # type: ignore[call-overload]
