"""The examples in the manual of each word: they are carried out, dry, on a machine in memory."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest

import toque
from docs import words
from tests.agent.resources.test_trusted_ca import authority
from toque.core.errors import ToqueError
from toque.core.report import Report
from toque.core.run import Run
from toque.core.world import World
from toque.testing.machine import FakeHost, Unit
from toque.testing.machine import Program as FakeProgram
from toque.testing.programs.accounts import Accounts
from toque.testing.programs.apt import Apt

words.resources()  # imports every word

EXAMPLES = {word: example for word in sorted(toque.__all__) for example in words.examples(words.document_of(word))}

BAGS = {
    "aws_opsworks_app": {"shop": {"shortname": "shop", "deploy": True, "app_source": {"type": "git", "url": "x"}}},
    "aws_opsworks_instance": {
        name: {"hostname": name, "status": "online", "layer_ids": ["l-1"], "private_ip": f"10.0.0.{number}"}
        for number, name in enumerate(("web1", "web2"), 1)
    },
    "aws_opsworks_layer": {"web": {"layer_id": "l-1"}},
    "db": {"main": {"id": "main", "password": "correct horse"}},
    "mysql": {"main": {"id": "main", "host": "db.internal"}},
    "tenants": {"north": {"id": "north"}},
}


def machine_for(word: str) -> FakeHost:
    """The machine of an example: what `tests/agent/resources/test_WORD.py` makes as `example_machine()`, else a common one."""
    try:
        own = import_module(f"tests.agent.resources.test_{word}")
    except ModuleNotFoundError:
        return machine()
    made: FakeHost = getattr(own, "example_machine", machine)()
    return made


def machine() -> FakeHost:
    programs: Sequence[FakeProgram] = [Apt(), Accounts()]
    host = FakeHost(
        programs=programs,
        paths=["/usr/bin/apt-get"],
        units={"nginx": Unit(active=True, enabled=True), "memcached": Unit()},
        users={"root": 0, "alice": 1000, "bob": 1001, "deploy": 4000},
        groups={"root": 0, "admins": 90, "deploy": 4000},
    )
    host.add("/etc/nginx/conf.d/default.conf", b"")
    return host


class Settings:
    port = 8080


def facts(name: str) -> Any:
    return type(name, (), {"count": 4, "total_mb": 2048, "hostname": "web1", "ip": "10.0.0.1"})


@pytest.mark.parametrize("word", sorted(EXAMPLES))
def test_the_example_of_a_word_is_a_recipe_that_can_be_planned(word: str, tmp_path: Any) -> None:
    (tmp_path / "nginx.conf.j2").write_text("worker_processes {{ workers }};\n")
    (tmp_path / "our-own-ca.pem").write_text(authority("Our own CA"))
    (tmp_path / "files/error-pages").mkdir(parents=True)
    (tmp_path / "files/error-pages/404.html").write_text("<p>Not here.</p>\n")
    code = compile(EXAMPLES[word], str(tmp_path / "recipe.py"), "exec")
    said: list[str] = []
    host = machine_for(word)
    world = World(bags=BAGS, me=BAGS["aws_opsworks_instance"]["web1"], collect=facts)
    world.settings_of = lambda file: Settings
    with Run(host, dry_run=True, report=Report(say=said.append)) as run:
        run.world = world
        exec(code, {name: getattr(toque, name) for name in toque.__all__})

    assert said or run.report.counts["unchanged"], "an example does something"
    assert run.report.counts["failed"] == 0
    assert host.ran == []


def test_an_example_that_is_wrong_is_noticed(tmp_path: Any) -> None:
    """The test of the test: a property that does not exist."""
    with pytest.raises(ToqueError, match="no property"), Run(machine(), dry_run=True):
        exec("file('/etc/motd', contents='x')", {"file": toque.file})


def test_every_resource_has_an_example_that_was_run() -> None:
    assert set(words.REGISTRY) <= set(EXAMPLES)
