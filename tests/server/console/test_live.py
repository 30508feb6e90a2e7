from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from tests.server.console.conftest import House
from toque_server.console.pages import live
from toque_server.console.streams import Streams


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)


def frames(answer: Any) -> Iterator[dict[str, Any]]:
    """The frames of a stream that say something."""
    for raw in answer.response:
        fields = dict(line.split(": ", 1) for line in raw.decode().splitlines() if ": " in line)
        if "data" in fields:
            yield fields | {"data": json.loads(fields["data"])}


def last(house: House) -> int:
    return int(house.root("DescribeEvents", MaxResults=1)["LastNumber"])


def test_an_instance_s_new_status_is_told_as_a_small_fact(house: House) -> None:
    after = last(house)
    stream = house.browser.client.get(f"/console/events?stack={house.stack}&after={after}")
    house.root("StartInstance", InstanceId=house.down)

    frame = next(frames(stream))

    facts = {fact["kind"]: fact for fact in frame["data"]["facts"]}
    assert (facts["instance"]["id"], facts["instance"]["word"]) == (house.down, "requested")
    assert "app2" in facts["event"]["message"] and int(frame["id"]) == last(house)
    stream.close()


def test_a_stream_goes_on_where_it_was_broken_off(house: House) -> None:
    before = last(house)
    house.root("StartInstance", InstanceId=house.down)
    middle = last(house)
    house.root("StopInstance", InstanceId=house.down)

    client = house.browser.client
    stream = client.get(f"/console/events?stack={house.stack}&after={before}", headers={"Last-Event-ID": str(middle)})

    words = [fact["word"] for fact in next(frames(stream))["data"]["facts"] if fact["kind"] == "instance"]
    assert "requested" not in words and words
    stream.close()


def test_a_command_is_told_when_it_changes_and_only_then(house: House) -> None:
    deployment, command = house.order()
    stream = house.browser.client.get(
        f"/console/events?stack={house.stack}&deployment={deployment}&after={last(house)}"
    )
    told = frames(stream)
    assert [fact["word"] for fact in next(told)["data"]["facts"]] == ["queued"]

    house.end(command, "failed", 3, "no kettle")

    [fact] = next(told)["data"]["facts"]
    assert (fact["word"], fact["exit"], fact["reason"], fact["tone"]) == ("failed", "3", "no kettle", "bad")
    stream.close()


def test_asking_answers_the_same_as_the_stream(house: House) -> None:
    after = last(house)
    house.root("StartInstance", InstanceId=house.down)

    said = house.browser.client.get(f"/console/facts?stack={house.stack}&after={after}").json

    assert said["after"] == last(house)
    assert {fact["kind"] for fact in said["facts"]} >= {"event", "instance"}


def test_past_the_cap_there_is_no_stream_and_a_closed_one_makes_room(house: House) -> None:
    most = house.root.services.settings.threads // 2
    client = house.browser.client
    path = f"/console/events?stack={house.stack}"
    open_streams = [client.get(path) for _ in range(most)]
    assert {stream.status_code for stream in open_streams} == {200}

    assert client.get(path).status_code == 204
    assert client.get("/console/facts").status_code == 200

    open_streams[0].close()
    assert client.get(path).status_code == 200


def test_a_stream_ends_with_the_session(house: House) -> None:
    stream = house.browser.client.get(f"/console/events?stack={house.stack}&after={last(house)}")
    told = iter(stream.response)
    next(told), next(told)

    house.browser.post("/console/sign-out")

    assert any(b"event: over" in raw for raw in told)


def test_a_stream_ends_when_the_stack_may_not_be_seen_any_more(house: House) -> None:
    ann = house.another("ann", level="show")
    stream = ann.client.get(f"/console/events?stack={house.stack}&after={last(house)}")
    told = iter(stream.response)
    next(told), next(told)

    house.root("SetPermission", StackId=house.stack, IamUserArn="arn:aws:iam::123456789012:user/ann", Level="deny")

    assert any(b"event: reload" in raw or b"event: over" in raw for raw in told)


def test_streams_end_when_the_process_does() -> None:
    stopping = Event()
    streams = Streams(most=1, stopping=stopping)
    give_back = streams.take()
    assert give_back is not None and streams.take() is None
    give_back()
    give_back()
    assert streams.take() is not None and streams.take() is None

    stopping.set()

    assert Streams(most=1, stopping=stopping).take() is None


def test_a_log_is_read_by_offset_in_whole_lines(house: House) -> None:
    _, command = house.order()
    house.log(command, "one\ntwo\nthr")
    read = house.browser.client.get(f"/console/commands/{command}/log?offset=0").json
    assert (read["runs"], read["next"], read["complete"]) == ([["", "one\ntwo\n"]], 8, False)

    house.log(command, "ee\n", offset=11)
    house.end(command, "successful", 0)

    read = house.browser.client.get(f"/console/commands/{command}/log?offset=8").json
    assert read["runs"] == [["", "three\n"]] and read["complete"] is True
    assert read["state"]["word"] == "ok" and read["state"]["exit"] == "0"


def test_a_page_that_is_far_behind_is_told_what_it_missed(house: House) -> None:
    _, command = house.order()
    line = "x" * 99 + "\n"
    size = 8000 * len(line)
    house.log(command, line * 8000)

    read = house.browser.client.get(f"/console/commands/{command}/log?offset=0").json

    assert read["skipped"] == size - 64 * 1024 and read["next"] == size and read["more"] is False
