from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.core.diffs import describe
from toque.resources.config_value import ConfigValue
from toque.testing.machine import FakeHost

INI = "; php\nexpose = Off\n\n[PHP]\nmemory_limit = 128M ; per request\nengine=On\n\n[Date]\nzone = UTC\n"
TOML = """\
# the shop
name = "shop" # its name
tags = [
    "a", # first
    "b",
]

[server] # where
port = 80
"quoted key".x = 1

[[peers]]
port = 1
"""
YAML = """\
# the shop
name: shop  # its name
server:
  port: 80  # the port
  hosts:
    - a
    - b

  # of the database
  db: {host: local, port: 5432}
text: |
  one
  two
last:
"""
JSON = '{\n    "name": "shop",\n    "server": {\n        "port": 80\n    }\n}\n'


def after(path: str, text: str, key: Any, value: Any = None, **more: Any) -> str:
    """What a file of this text becomes."""
    host = FakeHost(files={path: text})
    converge(ConfigValue(path, key, value, **more), host)
    return (host.read(path) or b"").decode()


@pytest.mark.parametrize(
    ("key", "value", "section", "was", "made"),
    [
        ("engine", False, "PHP", "engine=On", "engine=false"),
        ("expose", "On", "", "expose = Off", "expose = On"),
        ("zone", "CET", "Date", "zone = UTC", "zone = CET"),
        ("new", 5, "PHP", "engine=On\n", "engine=On\nnew=5\n"),
        ("new", 5, "Date", "zone = UTC\n", "zone = UTC\nnew = 5\n"),
        ("a", 1, "New", "zone = UTC\n", "zone = UTC\n\n[New]\na = 1\n"),
    ],
    ids=["changed", "above-all", "last-section", "new-key", "spaces-as-there", "new-section"],
)
def test_a_line_of_an_ini_file_is_changed_and_all_others_stay(
    key: str, value: Any, section: str, was: str, made: str
) -> None:
    assert after("/etc/a.ini", INI, key, value, section=section) == INI.replace(was, made)


def test_a_value_over_several_lines_of_an_ini_file_is_replaced_as_a_whole() -> None:
    assert after("/etc/a.cfg", "[a]\nx =\n  1\n  2\ny = 3\n", "x", "5", section="a") == "[a]\nx = 5\ny = 3\n"


def test_a_key_that_an_ini_file_has_twice_is_refused_with_its_lines() -> None:
    with pytest.raises(ToqueError, match=r"/etc/a\.ini: a\.x: 'x' stands there 2 times \(lines 2, 3\)"):
        after("/etc/a.ini", "[a]\nx=1\nx=2\n", "x", "3", section="a")


@pytest.mark.parametrize(
    ("key", "value", "was", "made"),
    [
        ("name", "store", 'name = "shop" #', 'name = "store" #'),
        ("server.port", 8080, "port = 80\n", "port = 8080\n"),
        (["server", "quoted key", "x"], 2, ".x = 1", ".x = 2"),
        ("tags", ["c"], TOML[TOML.index("tags") : TOML.index("\n\n[server]")], 'tags = ["c"]'),
        ("server.tls", True, '".x = 1\n', '".x = 1\ntls = true\n'),
        ("debug", False, "\n\n[server]", "\ndebug = false\n\n[server]"),
        ("a.b", {"c": 1.5}, "port = 1\n", "port = 1\n\n[a]\nb = { c = 1.5 }\n"),
    ],
    ids=["comment-stays", "in-table", "quoted", "many-lines", "new-in-table", "new-at-the-top", "new-table"],
)
def test_a_value_of_a_toml_file_is_changed_in_its_line(key: Any, value: Any, was: str, made: str) -> None:
    expected = TOML.replace(was, made, 1)
    if key == "debug":
        expected = TOML.replace("]\n\n[server]", "]\ndebug = false\n\n[server]")

    assert after("/etc/a.toml", TOML, key, value) == expected


def test_a_whole_table_of_a_toml_file_is_taken_out() -> None:
    assert after("/etc/a.toml", "x = 1\n[a]\nb = 1\n[a.c]\nd = 1\n[e]\n", "a", present=False) == "x = 1\n[e]\n"


def test_what_stands_in_an_inline_table_of_toml_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(ToqueError, match="inline table.*change what holds it"):
        after("/etc/a.toml", "a = { b = 1 }\n", "a.b", 2)


@pytest.mark.parametrize(
    ("key", "value", "was", "made"),
    [
        ("name", "store", "name: shop  #", "name: store  #"),
        ("name", "a: b", "name: shop", "name: 'a: b'"),
        ("name", "two\nlines", "name: shop", 'name: "two\\nlines"'),
        ("server.port", 8080, "port: 80  #", "port: 8080  #"),
        ("server.db.port", 1, "port: 5432", "port: 1"),
        ("server.db.user", "me", "port: 5432}", 'port: 5432, "user": "me"}'),
        ("server.tls", True, "port: 5432}\n", "port: 5432}\n  tls: true\n"),
        ("server.hosts", ["c"], "hosts:\n    - a\n    - b\n", 'hosts: ["c"]\n'),
        ("text", "short", "text: |\n  one\n  two\n", "text: short\n"),
        ("last", 1, "last:\n", "last: 1\n"),
        ("new.deep", 1, "last:\n", "last:\nnew:\n  deep: 1\n"),
    ],
    ids=["plain", "quoted", "lines", "comment", "flow", "flow-new", "new", "list", "block-text", "empty", "new-deep"],
)
def test_a_value_of_a_yaml_file_is_changed_in_its_place(key: str, value: Any, was: str, made: str) -> None:
    assert after("/etc/a.yaml", YAML, key, value) == YAML.replace(was, made, 1)


@pytest.mark.parametrize(
    ("key", "gone"),
    [
        ("name", "name: shop  # its name\n"),
        ("server.port", "  port: 80  # the port\n"),
        ("text", "text: |\n  one\n  two\n"),
        ("last", "last:\n"),
    ],
    ids=["first", "inner", "block-text", "empty"],
)
def test_a_key_of_a_yaml_file_is_taken_out_with_its_lines(key: str, gone: str) -> None:
    assert after("/etc/a.yaml", YAML, key, present=False) == YAML.replace(gone, "", 1)


def test_the_last_key_of_a_yaml_mapping_leaves_an_empty_one() -> None:
    assert after("/etc/a.yaml", "a:\n  b: 1\nc: 2\n", "a.b", present=False) == "a: {}\nc: 2\n"


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "base: &b {k: 1}\nb: *b\n"], ids=["the-anchor-itself", "an-alias"]
)
def test_what_hangs_on_an_anchor_of_yaml_is_refused(text: str) -> None:
    key = "b" if "&b" not in text else "b.k"
    with pytest.raises(ToqueError, match="anchor.*change what holds it"):
        after("/etc/a.yaml", text, key, 5)


def test_a_json_file_keeps_its_order_and_indentation() -> None:
    assert after("/etc/a.json", JSON, "server.port", 8080) == JSON.replace("80", "8080")
    assert after("/etc/a.json", '{"b": 1, "a": 2}', "c", [True]) == '{"b": 1, "a": 2, "c": [true]}'


def test_json_that_says_a_key_twice_is_refused() -> None:
    with pytest.raises(ToqueError, match="stands in it twice"):
        after("/etc/a.json", '{"a": 1, "a": 2}', "b", 1)


def test_the_lines_of_dotenv_and_properties_files_are_changed() -> None:
    assert after("/srv/.env", "# x\nexport PORT=80\nHOST=a\n", "PORT", 8080) == "# x\nexport PORT=8080\nHOST=a\n"
    assert after("/srv/.env", "HOST=a\n", "NAME", "it is") == "HOST=a\nNAME='it is'\n"
    made = after("/srv/a.properties", "! x\na.b = 1\\\n  2\nc: 3\n", "a.b", "caf\xe9 \\ x")
    assert made == "! x\na.b = caf\\u00e9 \\\\ x\nc: 3\n"


def test_line_ends_of_another_system_are_kept() -> None:
    assert after("/etc/a.yaml", "a:\r\n  b: 1\r\n", "a.c", 2) == "a:\r\n  b: 1\r\n  c: 2\r\n"


def test_what_says_the_same_is_not_touched_however_it_is_written() -> None:
    for path, text, key, value in (
        ("/etc/a.yaml", "a: 0x10\n", "a", 16),
        ("/etc/a.toml", "a = 'x'\n", "a", "x"),
        ("/etc/a.json", '{ "a":1 }', "a", 1),
        ("/srv/.env", 'A="x"\n', "A", "x"),
    ):
        assert after(path, text, key, value) == text


def test_a_number_and_a_text_that_looks_like_it_differ() -> None:
    assert after("/etc/a.yaml", "a: 1\n", "a", "1") == "a: '1'\n"
    assert after("/etc/a.json", '{"a": 1}', "a", True) == '{"a": true}'


def test_a_secret_is_hidden_in_the_diff_also_where_it_is_written_with_other_signs() -> None:
    want = ConfigValue("/etc/a.json", "password", Secret('pa"ss\\word'))
    change = converge(want, FakeHost(files={"/etc/a.json": '{\n  "password": "old"\n}\n'}))

    assert change is not None
    _, diff = describe(want, change)
    assert "ss" not in diff.replace("password", "")
    assert "old" not in diff


@pytest.mark.parametrize(
    ("path", "properties", "said"),
    [
        ("/etc/a.conf", {"key": "a", "value": 1}, "format: the name of /etc/a.conf does not tell it"),
        ("/etc/a.ini", {"key": "a", "value": "x\ny"}, "one line of text"),
        ("/etc/a.ini", {"key": "a", "value": [1]}, "not list"),
        ("/etc/a.ini", {"key": "a=b", "value": 1}, "none of = :"),
        ("/etc/a.ini", {"key": ["a"], "value": 1}, "one name in a file of format ini"),
        ("/etc/a.json", {"key": "a..b", "value": 1}, "joined by dots"),
        ("/etc/a.json", {"key": "a"}, "present=False"),
        ("/srv/.env", {"key": "a-b", "value": 1}, "a variable's name"),
        ("/srv/.env", {"key": "A", "value": 1, "section": "x"}, "have none"),
    ],
    ids=["format", "lines", "list", "sign", "depth", "dots", "nothing", "name", "section"],
)
def test_what_cannot_be_meant_is_refused(path: str, properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        ConfigValue(path, **properties)


def test_a_new_file_with_a_secret_is_for_its_owner_alone() -> None:
    host = FakeHost()

    converge(ConfigValue("/etc/a.json", "db", {"password": Secret("hush!")}, create=True), host)

    assert host.nodes["/etc/a.json"].mode == 0o600


CASES = [
    Case(want, partial(FakeHost, files=found))
    for want in (
        ConfigValue("/etc/a", "x", 1, section="s", format="ini", create=True),
        ConfigValue("/etc/a", "s.x", 1, format="toml", create=True),
        ConfigValue("/etc/a", "s.x", [1, "a"], format="yaml", create=True),
        ConfigValue("/etc/a", "X", "a b", format="env", create=True),
        ConfigValue("/etc/a", "x.y", "a\u20ac", format="properties", create=True),
        ConfigValue("/etc/a", "x", section="s", format="ini", present=False),
    )
    for found in ({}, {"/etc/a": ""}, {"/etc/a": "# note\n"})
] + [
    Case(ConfigValue("/etc/a.json", "s.x", {"y": None}, create=True), partial(FakeHost, files=found))
    for found in ({}, {"/etc/a.json": "{}\n"}, {"/etc/a.json": JSON})
]
