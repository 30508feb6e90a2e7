"""A settings.py that is read and one that is run give the same verdicts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.cookbook.layout import find_cookbooks
from toque.cookbook.settings import BadSetting, build
from toque.cookbook.settings_schema import Schema, UnreadableSettings, parse_settings, read_settings

SETTINGS = '''\
"""Settings of web."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

LIMIT = 10
Port = int


@dataclass(frozen=True)
class Tls:
    on: bool = False
    port: Port = 443
    ciphers: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Site:
    name: str
    """The host name."""
    tls: Tls = Tls(True)


@dataclass(frozen=True)
class Common:
    level: Literal["low", "high"] = "low"
    limit: int = LIMIT


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    """What web has."""

    name: str
    port: int = 80
    """Port of the front end."""
    share: float = 0.5
    tls: Tls = field(default_factory=lambda: Tls(port=8443))
    site: Site = Site("a.example")
    hosts: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=lambda: {"a": 1})
    sites: Sequence[Site] = ()
    words: frozenset[str] = frozenset({"x"})
    user: str | None = None
    group: Optional[str] = None
    root: Path = Path("/srv")
    anything: Any = None
    either: "int | Literal['auto']" = "auto"
    many: t.Union[int, list[int]] = 1
    by_name: Mapping[str, Tls] = field(default_factory=dict)
    made: int = field(default=3, init=False)
'''


def run_of(text: str, name: str = "settings_that_ran") -> type[Any]:
    """The class, by running the file as a node does."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, "settings.py", "exec", dont_inherit=True), module.__dict__)
    kind: type[Any] = module.Settings
    return kind


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    yield
    sys.modules.pop("settings_that_ran", None)


KIND = run_of(SETTINGS)
SCHEMA = parse_settings(SETTINGS, "web")


def verdicts(values: Mapping[str, Any], kind: type[Any] = KIND, schema: Schema = SCHEMA) -> tuple[str, str]:
    """(what the class that ran says, what the schema says); empty when the values fit."""
    try:
        build(kind, values, "web")
        ran = ""
    except BadSetting as error:
        ran = str(error)
    read = schema.judge(values)
    return ran, str(read[0]) if read else ""


TABLE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "required": {"name": "x"},
    "text-for-a-number": {"name": "x", "port": "80"},
    "yes-for-a-number": {"name": "x", "port": True},
    "unknown": {"name": "x", "prot": 80},
    "inherited": {"name": "x", "level": "high", "limit": 3},
    "no-choice": {"name": "x", "level": "middle"},
    "whole-for-a-fraction": {"name": "x", "share": 1},
    "nested": {"name": "x", "tls": {"on": True}},
    "nested-unknown": {"name": "x", "tls": {"off": True}},
    "nested-type": {"name": "x", "tls": {"port": "1"}},
    "nested-twice": {"name": "x", "site": {"tls": {"port": 1}}},
    "nested-twice-wrong": {"name": "x", "site": {"tls": {"port": None}}},
    "nested-no-map": {"name": "x", "tls": [1]},
    "list": {"name": "x", "hosts": ["a", 1]},
    "list-of-maps": {"name": "x", "sites": [{"name": "a"}, {"nam": "b"}]},
    "missing-in-a-list": {"name": "x", "sites": [{}]},
    "map": {"name": "x", "weights": {"b": 2}},
    "map-type": {"name": "x", "weights": {"b": "2"}},
    "null": {"name": "x", "user": None, "group": None},
    "null-where-none-may-be": {"name": None},
    "path": {"name": "x", "root": "/a"},
    "path-number": {"name": "x", "root": 1},
    "either": {"name": "x", "either": 3},
    "neither": {"name": "x", "either": "manual"},
    "union": {"name": "x", "many": [1, "2"]},
    "set": {"name": "x", "words": ["a", 1]},
    "by-name": {"name": "x", "by_name": {"a": {"on": 1}}},
    "not-to-be-given": {"name": "x", "made": 1},
    "append": {"name": "x", "hosts": {"$append": ["c"]}, "words": {"$append": ["y"]}},
    "append-type": {"name": "x", "hosts": {"$append": [1]}},
    "append-to-a-number": {"name": "x", "port": {"$append": [1]}},
    "delete": {"name": "x", "port": {"$delete": True}, "tls": {"$delete": True}},
    "delete-what-must-be": {"name": {"$delete": True}},
    "delete-and-set": {"name": "x", "tls": {"$delete": True, "on": 1}},
}


@pytest.mark.parametrize("values", TABLE.values(), ids=TABLE)
def test_what_is_read_judges_as_what_is_run(values: dict[str, Any]) -> None:
    ran, read = verdicts(values)

    assert read == ran


def _values() -> st.SearchStrategy[Any]:
    plain = (
        st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(["a", "low", ""])
    )
    names = st.sampled_from(["on", "port", "ciphers", "name", "tls", "a", "$append", "$delete"])
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
    )


KEYS = st.sampled_from([each.name for each in SCHEMA.keys] + ["prot", "made"])


@given(st.dictionaries(KEYS, _values(), max_size=4))
def test_what_is_read_judges_any_values_as_what_is_run(values: dict[str, Any]) -> None:
    ran, read = verdicts(values)

    assert read == ran


def test_it_tells_keys_with_types_defaults_and_what_they_are() -> None:
    by_name = {key.name: key for key in SCHEMA.keys}

    assert SCHEMA.doc == "What web has."
    assert SCHEMA.unread == ()
    assert list(by_name)[:4] == ["level", "limit", "name", "port"]
    assert (by_name["name"].type, by_name["name"].default) == ("str", "")
    assert (by_name["port"].type, by_name["port"].default, by_name["port"].doc) == (
        "int",
        "80",
        "Port of the front end.",
    )
    assert by_name["hosts"].default == "[]"
    assert [key.name for key in by_name["site"].keys] == ["name", "tls"]
    assert by_name["site"].keys[0].doc == "The host name."
    assert "made" not in by_name


def test_every_wrong_value_is_told_at_once_and_one_level_need_not_be_complete() -> None:
    wrong = SCHEMA.judge({"port": "80", "porte": 1}, complete=False)

    assert [str(each) for each in wrong] == [
        "web.port: must be a whole number; got text '80'",
        "web.porte: there is no such setting (did you mean port?)",
    ]
    assert [each.where for each in SCHEMA.judge({"port": 1})] == ["web.name"]


@pytest.mark.parametrize(
    ("body", "unread", "fits"),
    [
        pytest.param("port: int = compute()", "the default of port", {"port": 1}, id="default"),
        pytest.param("port: Port = 1", "port: Port is not read", {"port": "anything"}, id="type"),
        pytest.param("tls: Tls = make()", "the default of tls", {"tls": {"on": 1}}, id="nested"),
        pytest.param("port: int = 1\n    def __post_init__(self): raise SystemExit", "checks", {"port": 1}, id="post"),
    ],
)
def test_what_only_running_would_tell_is_named_and_lets_pass(body: str, unread: str, fits: dict[str, Any]) -> None:
    text = f"""\
from dataclasses import dataclass
from elsewhere import Port, compute, make

@dataclass
class Tls:
    on: bool

@dataclass
class Settings:
    {body}
"""
    schema = parse_settings(text, "web")

    assert any(unread in each for each in schema.unread), schema.unread
    assert schema.judge(fits) == []
    assert [str(each) for each in schema.judge({"prot": 1}, complete=False)] != []


@pytest.mark.parametrize(
    "text",
    [
        "from dataclasses import dataclass\nfrom x import Base\n@dataclass\nclass Settings(Base):\n    port: int = 1\n",
        "from x import Settings\n",
        "import x\nSettings = x.make()\n",
        "if 1:\n    class Settings: ...\n",
        "from x import *\n",
    ],
    ids=["base", "import", "made", "statement", "star"],
)
def test_a_class_that_is_not_all_there_has_any_further_keys(text: str) -> None:
    schema = parse_settings(text, "web")

    assert schema.judge({"prot": 1}) == []


def test_nothing_of_the_file_is_run(tmp_path: Path) -> None:
    text = f"""\
    open({str(tmp_path / "ran")!r}, "w")
    from dataclasses import dataclass, field
    @dataclass
    class Settings:
        port: int = field(default_factory=lambda: open({str(tmp_path / "ran")!r}, "w"))
        kind: type(open({str(tmp_path / "ran")!r}, "w")) = 1
    """

    assert parse_settings(dedent(text), "web").judge({"port": 1}) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("x = 1\nif x\n", "web/settings.py:2: ", id="syntax"),
        pytest.param("x = 1\n", "needs a frozen dataclass called Settings", id="none"),
        pytest.param("class Settings: ...\n", "Settings must be a frozen dataclass", id="plain"),
        pytest.param("x = '\0'", "web/settings.py:1: ", id="nul"),
    ],
)
def test_what_no_node_could_use_is_refused(text: str, says: str) -> None:
    with pytest.raises(UnreadableSettings, match=says):
        parse_settings(text, "web")


def test_the_cookbooks_that_we_ship_are_read_whole() -> None:
    root = Path(__file__).parents[3] / "cookbooks"
    schemas = {name: read_settings(path, name) for name, path in find_cookbooks(root).items()}

    assert any(schemas.values())
    for schema in filter(None, schemas.values()):
        assert schema.unread == ()
        assert schema.keys


@pytest.mark.parametrize(
    "text",
    [
        "T0 = tuple[int, int]\n" + "".join(f"T{n + 1} = tuple[T{n}, T{n}]\n" for n in range(60)),
        "T0 = tuple[int, int]\n" + "".join(f'T{n + 1} = tuple["T{n}", "T{n}"]\n' for n in range(60)),
        "T0 = (1, 1)\n" + "".join(f"T{n + 1} = (T{n}, T{n})\n" for n in range(60)) + "S = {T60}\n",
    ],
    ids=["types", "types in quotes", "values"],
)
def test_S21_names_of_names_do_not_blow_up(text: str) -> None:
    head = "from dataclasses import dataclass\n"
    schema = parse_settings(f"{head}{text}@dataclass\nclass Settings:\n    port: int = 80\n    x: T60 = T60\n", "web")

    assert any("too much" in each for each in schema.unread)
    assert [str(each) for each in schema.judge({"port": "a"})] == ["web.port: must be a whole number; got text 'a'"]


def test_S21_what_nests_too_deep_is_refused_in_words() -> None:
    deep = " | ".join(["int"] * 3000)

    with pytest.raises(UnreadableSettings, match=r"web/settings\.py:1"):
        parse_settings(f"from dataclasses import dataclass\n@dataclass\nclass Settings:\n    a: {deep}\n", "web")


def test_defaults_are_told_as_data() -> None:
    schema = parse_settings(SETTINGS, "web")

    told = schema.defaults()

    assert told["tls"] == {"on": False, "port": 8443, "ciphers": ["a", "b"]}
    assert (told["port"], told["words"], "name" in told) == (80, ["x"], False)
    assert (schema.settled({"name": "n", "tls": {"on": True}}) or {})["tls"] == {**told["tls"], "on": True}
    assert schema.settled({"port": "a"}) is None
