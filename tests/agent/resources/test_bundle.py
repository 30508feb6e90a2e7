from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.resources.bundle import Bundle
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.gem import Gem

SPECS = "/var/lib/gems/specifications"
GEMFILE = 'source "https://rubygems.org"\ngem "rake"\ngem "rspec", group: :test\n'


def machine(*there: str, config: str = "", ruby: bool = True, owner: int = 0) -> FakeHost:
    files: dict[str, bytes | str | Node] = {f"{SPECS}/{each}.gemspec": b"" for each in there}
    files["/srv/shop/Gemfile"] = GEMFILE
    if config:
        files["/srv/shop/.bundle/config"] = config
    host = FakeHost(
        files=files,
        users={"root": 0, "deploy": 1001},
        programs=[Gem()],
        paths=["/usr/bin/bundle"] if ruby else [],
    )
    host.nodes["/srv/shop"].uid = owner
    return host


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


def test_what_the_gemfile_names_is_installed_by_the_owner_of_the_project() -> None:
    host = machine(owner=1001)

    converge(Bundle("/srv/shop", jobs=2), host)

    assert (host.ran, host.acting, host.cwd) == (["bundle install --quiet --jobs 2"], "deploy", "/srv/shop")
    assert host.names_in(SPECS) == ["rake-1.0.gemspec", "rspec-1.0.gemspec"]


def test_how_it_is_installed_is_noted_where_bundle_exec_finds_it() -> None:
    host = machine()

    converge(Bundle("/srv/shop", vendor="vendor/gems", deployment=True, without=["test", "development"]), host)

    assert host.ran[:3] == [
        "bundle config set --local path vendor/gems",
        "bundle config set --local deployment true",
        "bundle config set --local without development:test",
    ]
    assert host.names_in(SPECS) == ["rake-1.0.gemspec"]


def test_only_the_setting_that_is_wrong_is_changed() -> None:
    host = machine("rake-1.0", "rspec-1.0", config='---\nBUNDLE_DEPLOYMENT: "true"\nBUNDLE_WITHOUT: "test"\n')

    change = converge(Bundle("/srv/shop", deployment=True, without=[]), host)

    assert change is not None
    assert change.fields == {"without"}
    assert host.ran == ["bundle config unset --local without", "bundle install --quiet"]


def test_what_the_recipe_does_not_say_is_left_alone() -> None:
    host = machine("rake-1.0", config='---\nBUNDLE_WITHOUT: "test"\nBUNDLE_PATH: "/opt/gems"\n')

    assert converge(Bundle("/srv/shop"), host) is None


def test_without_bundler_or_a_gemfile_it_says_what_is_missing() -> None:
    with pytest.raises(ToqueError, match=r'bundle is not on this machine: package\("bundler"\) comes first'):
        converge(Bundle("/srv/shop"), machine(ruby=False))
    with pytest.raises(ToqueError, match="there is no Gemfile in /srv/blog"):
        converge(Bundle("/srv/blog"), machine())


def test_a_secret_of_its_environment_is_on_no_command_line() -> None:
    host = machine()

    converge(Bundle("/srv/shop", environment={"BUNDLE_GEMS__TEST": Secret("u:hush!")}), host)

    assert "hush!" not in " ".join(host.ran)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "shop"}, "absolute path"),
        ({"path": "/s", "vendor": "--x"}, "vendor must be"),
        ({"path": "/s", "vendor": "a\nb"}, "vendor must be"),
        ({"path": "/s", "without": ["a:b"]}, "without must be"),
        ({"path": "/s", "jobs": 0}, "jobs must be"),
        ({"path": "/s", "bundle_binary": "-x"}, "bundle_binary must be"),
        ({"path": "/s", "user": "-u"}, "user: name must be"),
        ({"path": "/s", "environment": {"A=": ""}}, "environment must map"),
    ],
    ids=lambda value: "-".join(map(repr, value.items())) if isinstance(value, dict) else "",
)
def test_S22_what_could_be_taken_for_something_else_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Bundle(**wrong)


CASES = [
    Case(want, host)
    for want in (
        Bundle("/srv/shop"),
        Bundle("/srv/shop", deployment=True, without=["test"], vendor="vendor/bundle"),
        Bundle("/srv/shop", deployment=False, without=[]),
    )
    for host in (machine, partial(machine, "rake-1.0", config='---\nBUNDLE_WITHOUT: "test"\n'))
]
