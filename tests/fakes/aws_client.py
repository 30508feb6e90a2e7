"""The real `aws` client as an oracle: what it makes of command lines, structures and answers, without any server.

It lives in an environment of its own, so it is asked in one process of that environment's Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ORACLE = r"""
import io, json, sys
from awscli.clidriver import create_clidriver
from awscli.shorthand import ShorthandParser, ShorthandParseError
from awscli.text import format_text
from botocore.session import Session
from botocore.utils import ArgumentGenerator

asked = json.load(sys.stdin)
driver = create_clidriver()
table = driver._get_command_table()["opsworks"]._get_command_table()

def shorthand(text):
    try:
        return ShorthandParser().parse(text)
    except ShorthandParseError:
        return None

def lines(value):
    stream = io.StringIO()
    format_text(value, stream)
    return stream.getvalue()

def request(words):
    operation = table[words[0]]
    arguments = operation.arg_table
    parsed, left = operation._create_operation_parser(arguments).parse_known_args(words[1:])
    assert not left, left
    return operation._build_call_parameters(parsed, arguments)

def skeleton(shape, named):
    return {} if shape is None else ArgumentGenerator(use_member_names=named).generate_skeleton(shape)

service = Session().get_service_model("opsworks")
operations = [service.operation_model(name) for name in service.operation_names]

print(json.dumps({
    "inputs": {each.name: skeleton(each.input_shape, False) for each in operations},
    "outputs": {each.name: skeleton(each.output_shape, True) for each in operations},
    "options": {name: sorted(each.arg_table) for name, each in table.items() if hasattr(each, "arg_table")},
    "waiters": sorted(table["wait"].subcommand_table),
    "shorthand": [shorthand(text) for text in asked["shorthand"]],
    "text": [lines(value) for value in asked["text"]],
    "requests": [request(words) for words in asked["requests"]],
}))
"""


def home() -> Path | None:
    """The folder of the environment that has the last `aws` with OpsWorks."""
    aws = os.environ.get("TOQUE_AWS") or shutil.which("aws", path=".venv-aws/bin")
    return Path(aws).absolute().parent.parent if aws else None


def ask(
    *, shorthand: Sequence[str] = (), text: Sequence[Any] = (), requests: Sequence[Sequence[str]] = ()
) -> Mapping[str, Any]:
    """What the client makes of each; `options`, `waiters`, skeletons (`inputs`, `outputs`) are what it has."""
    found = home()
    assert found is not None
    done = subprocess.run(
        [str(found / "bin" / "python"), "-c", _ORACLE],
        input=json.dumps({"shorthand": shorthand, "text": text, "requests": requests}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert done.returncode == 0, done.stderr
    said: Mapping[str, Any] = json.loads(done.stdout)
    return said
