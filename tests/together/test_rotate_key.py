"""The online key is renewed under a running agent (S7, ruling 22)."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from tests.together.house import TOQUE, House, opened

RECIPES = {"hello": "from toque import log\n\nlog('hello')\n"}


def root_of(house: House) -> dict[str, int]:
    """The root manifest that the server has now."""
    signed = json.loads((house.server.data_dir / "keys" / "root.json").read_bytes())
    found: dict[str, int] = json.loads(base64.b64decode(signed["payload"]))
    return found


def rotate(house: House) -> None:
    argv = [*TOQUE, "server", "rotate-key", f"--data-dir={house.server.data_dir}"]
    done = subprocess.run(
        [*argv, f"--root-key={house.server.data_dir}/root.key"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert house.server.stop() == 0
    house.server.start()


def test_S7_an_agent_takes_commands_of_keys_that_were_made_after_it_joined(tmp_path: Path) -> None:
    with opened(tmp_path, RECIPES) as house:
        web = house.join("web1")
        house.wait_for(web, "online")
        agent = house.nodes["web1"].process
        assert agent is not None
        before = root_of(house)

        # Twice: the second drops the key that the agent joined under from the manifest.
        for _ in range(2):
            rotate(house)
            assert house.run("work::hello", on=[web])["Status"] == "successful"

        assert root_of(house)["version"] == before["version"] + 2
        assert agent.poll() is None, "the agent was not started anew"
