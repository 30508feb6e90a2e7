"""Our declarations, member for member, against the model in the last AWS client that had one (chapter 09)."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from tests.needs import needs_that
from toque_server.operations import registry
from toque_server.operations.registry import OPSWORKS


def _model_file() -> Path | None:
    aws = os.environ.get("TOQUE_AWS") or shutil.which("aws", path=".venv-aws/bin")
    if aws is None:
        return None
    home = Path(aws).absolute().parent.parent
    return next(home.glob("lib/python3*/site-packages/botocore/data/opsworks/*/service-2.json*"), None)


@cache
def _model() -> dict[str, Any]:
    path = _model_file()
    assert path is not None
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    model: dict[str, Any] = json.loads(raw)
    return model


pytestmark = [
    pytest.mark.aws,
    needs_that("an OpsWorks client: make setup, or TOQUE_AWS", lambda: _model_file() is not None),
]

NAMES = sorted(name for name, op in registry.load().items() if op.target == OPSWORKS)

# Where we ask for less than the model: a filtered or kept value need not be sent again (05 § 1.4).
LENIENT = {"CreateApp.SslConfiguration", "CreateApp.Environment", "UpdateApp.SslConfiguration", "UpdateApp.Environment"}


def _plain(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _plain(rest[0]) if len(rest) == 1 else kind
    return kind


def _differences(path: str, cls: type, shape: str, *, asked: bool) -> list[str]:
    shapes = _model()["shapes"]
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    ours = {field.encode_name: field for field in info.fields}
    theirs: dict[str, Any] = shapes[shape]["members"]
    found = [f"{path} lacks {name}" for name in theirs if name not in ours]
    found += [f"{path} has {name} too much" for name in ours if name not in theirs]
    if asked and path not in LENIENT:
        required = set(shapes[shape].get("required", ()))
        found += [
            f"{path}.{name} is required by one side only"
            for name in ours
            if name in theirs and ours[name].required != (name in required)
        ]
    for name in ours.keys() & theirs.keys():
        kind, of = _plain(ours[name].type), theirs[name]["shape"]
        if isinstance(kind, inspect.ListType | inspect.VarTupleType):
            assert shapes[of]["type"] == "list", f"{path}.{name}"
            kind, of = _plain(kind.item_type), shapes[of]["member"]["shape"]
        if isinstance(kind, inspect.StructType):
            found += _differences(f"{path}.{name}", kind.cls, of, asked=asked)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_09_3_requests_have_exactly_the_model_s_members(name: str) -> None:
    action = _model()["operations"][name]

    if "input" not in action:
        assert registry.OPERATIONS[name].request.__struct_fields__ == ()
    else:
        assert _differences(name, registry.OPERATIONS[name].request, action["input"]["shape"], asked=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_09_3_answers_have_exactly_the_model_s_members(name: str) -> None:
    action, ours = _model()["operations"][name], registry.OPERATIONS[name].result

    if ours is None:
        assert "output" not in action
    else:
        assert _differences(name, ours, action["output"]["shape"], asked=False) == []
