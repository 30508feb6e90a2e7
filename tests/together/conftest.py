"""Real processes, one house per module: starting one costs two seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.together import house as houses
from tests.together.house import House

RECIPES = {
    "default": "from toque import log\n\nlog('work is set up')\n",
    "hello": "from toque import log, node\n\nlog(f'hello from {node.hostname}')\n",
    # What it prints is not in its own text, so that an error page that shows the line does not pass for its output.
    "fails": "from toque import execute\n\n\nexecute(['sh', '-c', 'echo no $IT >&2; exit 3'], environment={'IT': 'kettle'})\n",
    "after": "from toque import log\n\nlog('this comes after')\n",
    "typo": "from toque import file\n\nfile('/tmp/x', contents='y')\n",
    "syntax": "from toque import log\n\nlog('unclosed\n",
    "forever": "import time\n\nwhile True:\n    time.sleep(0.1)\n",
    "note": """
        from pathlib import Path
        from toque import node
        target = Path(node["note"]["path"])
        with target.open("a") as out:
            out.write(node["note"]["text"] + "\\n")
    """,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.opened(tmp_path_factory.mktemp("house"), RECIPES) as opened:
        yield opened
