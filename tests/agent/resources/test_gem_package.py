from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.resources.gem_package import GemPackage
from toque.testing.machine import FakeHost
from toque.testing.programs.gem import Gem

SPECS = "/var/lib/gems/specifications"
ARCHIVE = {"rake": ("13.1.0", "13.0.6", "12.3.3")}


def machine(*there: str, ruby: bool = True) -> FakeHost:
    return FakeHost(
        files={f"{SPECS}/{each}.gemspec": b"" for each in there},
        programs=[Gem(ARCHIVE)],
        paths=["/usr/bin/gem"] if ruby else [],
    )


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


def test_a_gem_is_installed_without_its_documentation() -> None:
    host = machine()

    converge(GemPackage("rake", version="13.0.6", options=["--ignore-dependencies"]), host)

    assert host.ran == ["gem install --no-document --ignore-dependencies rake --version 13.0.6"]


def test_another_version_is_put_beside_the_one_that_is_there() -> None:
    host = machine("rake-12.3.3")

    change = converge(GemPackage("rake", version="~> 13.0"), host)

    assert change is not None
    assert change.was == type(change.was)("12.3.3")
    assert host.names_in(SPECS) == ["rake-12.3.3.gemspec", "rake-13.1.0.gemspec"]
    assert converge(GemPackage("rake", version="12.3.3"), host) is None


def test_a_gem_that_belongs_to_ruby_is_there_and_is_not_removed() -> None:
    host = machine("rake-default: 13.0.6")

    assert converge(GemPackage("rake"), host) is None
    assert converge(GemPackage("rake", version="13.0.6"), host) is None
    assert converge(GemPackage("rake", present=False), host) is None


def test_an_upgrade_asks_the_server_that_the_recipe_names() -> None:
    host = machine("rake-13.0.6")

    change = converge(GemPackage("rake", upgrade=True, source="https://gems.test"), host)

    assert change is not None
    assert change.was == type(change.was)(None, ("rake 13.1.0",))
    assert host.ran == ["gem install --no-document --clear-sources --source https://gems.test rake"]


def test_one_version_or_all_are_removed() -> None:
    host = machine("rake-12.3.3", "rake-13.0.6")

    converge(GemPackage("rake", version="12.3.3", present=False), host)
    assert host.names_in(SPECS) == ["rake-13.0.6.gemspec"]
    converge(GemPackage("rake", present=False), host)

    assert host.ran == [
        "gem uninstall --all --executables --version 12.3.3 rake",
        "gem uninstall --all --executables rake",
    ]


def test_a_gem_comes_from_a_file() -> None:
    host = machine()

    converge(GemPackage("tiny", source="/srv/tiny-0.1.gem"), host)

    assert host.ran == ["gem install --no-document --local /srv/tiny-0.1.gem"]


def test_without_ruby_it_says_what_comes_first() -> None:
    with pytest.raises(ToqueError, match=r'gem is not on this machine: package\("ruby"\) comes first'):
        converge(GemPackage("rake"), machine(ruby=False))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "-v"}, "name must be"),
        ({"name": "a b"}, "name must be"),
        ({"name": "rake", "version": "--pre"}, "version must be"),
        ({"name": "rake", "source": "tiny.gem"}, "source must be"),
        ({"name": "rake", "gem_binary": "-x"}, "gem_binary must be"),
        ({"name": "rake", "install_dir": "gems"}, "absolute path"),
        ({"name": "rake", "user": "-u"}, "user: name must be"),
        ({"name": "rake", "environment": {"A B": ""}}, "environment must map"),
        ({"name": "rake", "present": False, "upgrade": True}, "without upgrade"),
    ],
    ids=lambda value: "-".join(map(str, value.items())) if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        GemPackage(**wrong)


CASES = [
    Case(want, partial(machine, *there))
    for want in (
        GemPackage("rake"),
        GemPackage("rake", version="~> 13.0"),
        GemPackage("rake", upgrade=True),
        GemPackage("rake", present=False),
        GemPackage("rake", version="12.3.3", present=False),
    )
    for there in ((), ("rake-12.3.3",), ("rake-13.0.6", "rake-default: 12.3.3"))
]
