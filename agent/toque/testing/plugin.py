"""The pytest plugin: fixtures `fake_node` and `same_plan`, coverage of resources, and what `toque cookbook test` needs.

Loaded by pytest wherever Toque is installed, so everything else of Toque is imported when a test first needs it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from toque.testing.coverage import Coverage
    from toque.testing.node import FakeNode, MakeNode
    from toque.testing.outcomes import Outcomes
    from toque.testing.runs import FakeRun
    from toque.testing.snapshots import SamePlan

_COVERAGE: pytest.StashKey[Coverage] = pytest.StashKey()
_OUTCOMES: pytest.StashKey[Outcomes] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("toque", "cookbooks of Toque")
    group.addoption(
        "--toque-coverage",
        action="store_true",
        help="print the resources of recipes that no test ran, or that none asked about",
    )
    group.addoption("--toque-update", action="store_true", help="store the plans of same_plan() instead of comparing")
    group.addoption("--toque-kitchen", metavar="FOLDER", help="the sandbox for tests/kitchen (`toque cookbook test`)")
    group.addoption("--toque-outcomes", metavar="FILE", help="write what became of each test as JSON")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--toque-coverage"):
        from toque.testing.coverage import Coverage

        config.stash[_COVERAGE] = Coverage()
    if config.getoption("--toque-kitchen"):
        from toque.testing.kitchen.backend import connect

        connect(config)
    if config.getoption("--toque-outcomes"):
        from toque.testing.outcomes import Outcomes

        config.stash[_OUTCOMES] = Outcomes()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests of the kitchen are for a machine that was converged, and not for this one."""
    if collection_path.name != "kitchen" or collection_path.parent.name != "tests":
        return None
    is_kitchen = (collection_path.parents[1] / "cookbook.toml").is_file()
    return True if is_kitchen and not config.getoption("--toque-kitchen") else None


@pytest.fixture
def fake_node(request: pytest.FixtureRequest) -> Iterator[MakeNode]:
    """Makes a node in memory: `node = fake_node(attributes={"web": {"port": 8080}})`, then `node.converge("web")`.

    The recipes are those of the cookbook that the test is in, and of the cookbooks beside it.
    """
    from toque.core.masking import secrets_apart
    from toque.testing.cookbooks import around
    from toque.testing.node import FakeNode

    coverage = request.config.stash.get(_COVERAGE, None)
    cookbooks = partial(around, request.path)
    if coverage is not None:
        coverage.of(request.path)

    def make(platform: str = "debian-12", **what: Any) -> FakeNode:
        if coverage is not None:
            what |= {"asked": coverage.asked, "declared": coverage.ran}
        return FakeNode(platform, cookbooks=cookbooks, **what)

    with secrets_apart():  # of one test, that the next must not hide
        yield make


@pytest.fixture
def same_plan(request: pytest.FixtureRequest) -> SamePlan:
    """Compares a whole run with the stored one: `same_plan(node.plan("web"))`; `--toque-update` stores it."""
    from toque.testing.snapshots import compare, file_name

    def check(run: FakeRun, name: str = "") -> None:
        stored = request.path.parent / "plans" / file_name(name or request.node.name)
        compare(run.plan_text(), stored, update=request.config.getoption("--toque-update"))

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    outcomes = item.config.stash.get(_OUTCOMES, None)
    if outcomes is not None:
        outcomes.add(item, report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    outcomes = session.config.stash.get(_OUTCOMES, None)
    if outcomes is not None:
        outcomes.write(Path(session.config.getoption("--toque-outcomes")))
    coverage = session.config.stash.get(_COVERAGE, None)
    output = getattr(session.config, "workeroutput", None)  # of a process of pytest-xdist
    if coverage is not None and output is not None:
        output["toque_coverage"] = coverage.sent()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of pytest-xdist has ended: what its tests covered joins ours."""
    coverage = node.config.stash.get(_COVERAGE, None)
    if coverage is not None:
        coverage.received(getattr(node, "workeroutput", {}).get("toque_coverage", {}))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    terminalreporter.section("resources that tests touched")
    for line in coverage.lines(config.invocation_params.dir):
        terminalreporter.write_line(line)
