from __future__ import annotations

from typing import Any

import pytest

from toque.core.search import BadQuery, compiled
from toque.core.world import World

ITEMS: dict[str, Any] = {
    "web1": {"hostname": "web1", "status": "online", "layers": ["web", "app"], "self": True, "n": 5},
    "web12": {"hostname": "web12", "status": "stopped", "layers": ["web"], "self": False, "n": 40},
    "lb1": {"hostname": "lb1", "status": "online", "layers": ["lb"], "source": {"type": "git", "url": "https://x/y z"}},
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("*:*", ["lb1", "web1", "web12"]),
        ("hostname:web1", ["web1"]),
        ("hostname:web*", ["web1", "web12"]),  # 06, check 14
        ("hostname:web?", ["web1"]),
        ("hostname:WEB1", []),
        ("layers:web", ["web1", "web12"]),
        ("layers:web AND status:online", ["web1"]),  # 06, check 15
        ("layers:lb OR n:5", ["lb1", "web1"]),
        ("NOT layers:web", ["lb1"]),
        ("layers:web AND NOT hostname:web1", ["web12"]),
        ("(layers:lb OR layers:app) AND status:online", ["lb1", "web1"]),
        ("self:true", ["web1"]),
        ("self:false", ["web12"]),
        ("source.type:git", ["lb1"]),
        ("source_type:git", ["lb1"]),
        ('source.url:"https://x/y z"', ["lb1"]),
        ("n:[5 TO 39]", ["web1"]),
        ("n:[5 TO *]", ["web1", "web12"]),
        ("n:{5 TO 40}", []),
        ("hostname:(lb1 OR web12)", ["lb1", "web12"]),
        ("*:online", ["lb1", "web1"]),
        ("nothing:x", []),
    ],
)
def test_06_4_2_what_a_query_finds(query: str, found: list[str]) -> None:
    world = World(bags={"machines": ITEMS})

    assert [item["hostname"] for item in world.search("machines", query)] == found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status:online layers:web", "two terms need AND or OR between them"),
        ("online", "has no field"),
        ("(status:online", "cannot search for"),
        ("status:online~2", "is not supported"),
    ],
)
def test_a_query_that_cannot_be_understood_says_why(query: str, says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        compiled(query)


def test_06_13_no_match_is_an_empty_list_and_no_index_a_key_error() -> None:
    world = World(bags={"machines": {}})

    assert world.search("machines", "shortname:none") == []
    with pytest.raises(KeyError, match=r"there is no data bag 'machine' \(did you mean machines"):
        world.search("machine", "*:*")


def test_06_33_a_result_is_a_copy() -> None:
    world = World(bags={"machines": ITEMS})

    world.search("machines", "hostname:lb1")[0]["source"]["type"] = "svn"

    assert world.search("machines", "hostname:lb1")[0].source.type == "git"
