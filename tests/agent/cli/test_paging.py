"""Answers that come page by page, and the tokens that `--max-items` gives (chapter 09 § 9)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from toque.cli.declarations import operations
from toque.cli.paging import BadToken, Paging, pages, records_of

RECORDS = ["a", "b", "c", "d", "e"]


class Pages:
    """A server with five records, three on a page unless asked for fewer."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(dict(request))
        start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 3)
        following = {"NextToken": str(start + size)} if start + size < len(RECORDS) else {}
        return {"EcsClusters": RECORDS[start : start + size], **following}


def test_09_24_all_pages_are_one_list() -> None:
    server = Pages()

    assert pages(Paging("EcsClusters"), {"StackId": "s"}, server) == {"EcsClusters": RECORDS}
    assert server.asked == [{"StackId": "s"}, {"StackId": "s", "NextToken": "3"}]


def test_09_24_a_page_size_is_sent_as_max_results() -> None:
    server = Pages()

    assert pages(Paging("EcsClusters", page_size=2), {}, server)["EcsClusters"] == RECORDS
    assert [each["MaxResults"] for each in server.asked] == [2, 2, 2]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6])
def test_09_24_what_max_items_cuts_off_begins_at_its_token(most: int) -> None:
    first = pages(Paging("EcsClusters", max_items=most), {}, Pages())
    found = list(first["EcsClusters"])
    while "NextToken" in first:
        first = pages(Paging("EcsClusters", max_items=most, starting_token=first["NextToken"]), {}, Pages())
        assert len(first["EcsClusters"]) <= most
        found += first["EcsClusters"]

    assert found == RECORDS


def test_the_token_of_max_items_is_the_client_s_own_and_reads_as_that_of_aws() -> None:
    token = pages(Paging("EcsClusters", max_items=4), {}, Pages())["NextToken"]

    assert json.loads(base64.b64decode(token)) == {"NextToken": "3", "boto_truncate_amount": 1}


@pytest.mark.parametrize("token", ["3", "!", base64.b64encode(b"{}").decode(), base64.b64encode(b"[1]").decode()])
def test_a_token_that_nobody_gave_is_refused(token: str) -> None:
    with pytest.raises(BadToken, match="--starting-token"):
        pages(Paging("EcsClusters", starting_token=token), {}, Pages())


def test_09_25_tags_have_the_members_and_are_not_paged() -> None:
    ours = {name: each for name, each in operations().items() if each["target"].startswith("OpsWorks_")}

    assert [name for name, each in ours.items() if records_of(each)] == ["describe-ecs-clusters"]
