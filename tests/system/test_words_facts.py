"""Facts that recipes give a real machine: kept, read by later lines and runs, told by its agent, and taken away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = ("fact",)

TOLD = "from toque.protocol.custom_facts import read_all; print(read_all())"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start()
        yield made


def test_a_fact_is_kept_read_told_and_taken_away(box: Box) -> None:
    said = apply(
        box,
        """
        from toque import fact, log, node
        fact("rack", "r12")
        fact("disks", {"data": "/dev/vdb", "size": 200})
        log(f"stands in {node.fact('rack')} with {node.fact('disks').size} GB, site {node.fact('site', 'unknown')}")
        """,
    )

    assert "stands in r12 with 200 GB, site unknown" in said
    assert box.run("cat", "/etc/toque/facts.d/rack.json") == '"r12"'
    assert box.run("stat", "-c", "%U %a", "/etc/toque/facts.d/disks.json") == "root 644"
    assert "'rack': '\"r12\"'" in box.run("/opt/toque/bin/python", "-c", TOLD)

    box.shell("echo '\"a\"' > /etc/toque/facts.d/site.json")
    apply(box, "from toque import fact\nfact('rack', present=False)\n")
    _, said = toque(box, "apply", "from toque import log, node\nlog(f\"{node.fact('rack')} {node.fact('site')}\")\n")

    assert "None a" in said
    assert box.run("ls", "/etc/toque/facts.d").split() == ["disks.json", "site.json"]
