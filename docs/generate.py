"""The pages of the manual that are made of the code: `make docs` writes them; with --check this compares.

    docs/inside/instance-states.md     of `toque_server.domain.instance.MOVES`
    docs/reference/resources.md        of the docstrings of the words
    docs/reference/operations.md       of the declarations of operations
    docs/reference/permissions.md      likewise
    docs/reference/lint.md             of the rules of `toque cookbook lint`
    docs/reference/settings.md         of `toque_server.settings` and `toque.daemon.config`

A test compares too, so a page is never older than what it describes.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from msgspec import inspect as types

from toque.daemon import config as agent_config
from toque_server import settings as server_settings
from toque_server.domain.instance import _LEAVING, INITIAL, MOVES, Status
from toque_server.domain.permission import Level, Permission, grants
from toque_server.operations import registry
from toque_server.operations.registry import OPSWORKS, TOQUE, Operation

DOCS = Path(__file__).resolve().parent
if not __package__:
    # Run as a script: its neighbour is looked for from the root of the repository.
    sys.path.insert(0, str(DOCS.parent))

from docs.words import MADE, codes, resources, table  # noqa: E402

# Instances -----------------------------------------------------------------------------------------------------------


def instance_states() -> str:
    """The state machine as a picture and as a table."""
    inside = [status for status in Status if MOVES[status] >= _LEAVING]
    picture = [f"    [*] --> {status}" for status in Status if status in INITIAL]
    picture += ['    state "may be stopped, or deregistered" as up {']
    picture += [f"        {a} --> {b}" for a in inside for b in inside if b in MOVES[a]]
    picture += ["    }"]
    picture += [f"    up --> {there}" for there in Status if there in _LEAVING]
    picture += [
        f"    {a} --> {b}"
        for a in Status
        for b in Status
        if b in MOVES[a] and not (a in inside and (b in inside or b in _LEAVING))
    ]
    rows = [(f"`{each}`", codes(t for t in Status if t in MOVES[each]), codes(_before(each))) for each in Status]
    return "\n".join(
        [
            "# The states of an instance",
            "",
            MADE.format(source="toque_server.domain.instance.MOVES"),
            f"An instance is in one of {len(Status)} states; these are their names on the wire. `move()` in",
            "[`domain/instance.py`][i] is the only place that changes one, and refuses what is not in this table. Who",
            "decides on a move is in [lifecycle.py][l], [healing.py][h] (see [healing](healing.md)) and, for what",
            "people ask for, [verbs.py][v].",
            "",
            "[i]: ../../server/toque_server/domain/instance.py",
            "[l]: ../../server/toque_server/domain/lifecycle.py",
            "[h]: ../../server/toque_server/domain/healing.py",
            "[v]: ../../server/toque_server/domain/verbs.py",
            "",
            "The box in the picture holds the states from which an instance can be stopped or deregistered.",
            "",
            f"An instance begins as {codes(s for s in Status if s in INITIAL)}; from",
            f"{codes(s for s in Status if not MOVES[s])} nothing leads on: its record goes.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *picture,
            "```",
            "",
            *table(("state", "may become", "is reached from"), rows),
        ]
    )


def _before(status: Status) -> Iterator[Status]:
    return (each for each in Status if status in MOVES[each])


# Operations ----------------------------------------------------------------------------------------------------------

_WORDS = {
    "show": "level `show`, `deploy` or `manage` on the stack",
    "deploy": "level `deploy` or `manage` on the stack",
    "manage": "level `manage` on the stack",
    "administrator": "the full-access policy, which administrators have",
    "self": "one's own profile, where the user may manage it",
    "any": "whoever is known; lists hold what the caller may see",
}


def operations() -> str:
    """What each operation takes, asks and answers."""
    known = _by_subject()
    lines = [
        "# The operations",
        "",
        MADE.format(source="the declarations in server/toque_server/operations"),
        "The same operation is reached as `POST /api/NAME` with a bearer token, as an AWS JSON 1.1 action (`POST /`",
        "with the header `X-Amz-Target: TARGET.NAME`, signed), as `toque opsworks name-in-words`, and from the",
        "console. `GET /api/openapi.json` says the same to machines, with the answers. Who may what is in",
        "[permissions](permissions.md).",
        "**Bold** members are required; where the target is not said, it is `OpsWorks_20130218`. Besides the errors",
        "named, each may answer `ValidationException`, `AccessDeniedException` and `ThrottlingException`.",
    ]
    for subject, ops in known.items():
        lines += ["", f"## {subject.replace('_', ' ').capitalize()}"]
        for op in ops:
            lines += ["", *_operation(op)]
    return "\n".join(lines) + "\n"


def _by_subject() -> dict[str, list[Operation]]:
    known: dict[str, list[Operation]] = {}
    for op in sorted(registry.load().values(), key=lambda op: (op.run.__module__, op.name)):
        known.setdefault(op.run.__module__.rpartition(".")[2], []).append(op)
    return known


def _operation(op: Operation) -> list[str]:
    members = ", ".join(_member(field) for field in _members(op.request))
    errors = ", ".join(f"`{error.__name__}`" for error in op.raises)
    return [
        f"### {op.name}",
        "",
        *op.description.splitlines(),
        "",
        f"- permission: `{op.permission.value}`" + ("" if op.target == OPSWORKS else f"; target: `{op.target}`"),
        f"- takes: {members or 'nothing'}",
        *([f"- errors: {errors}"] if errors else []),
    ]


def _members(kind: type[Any]) -> Sequence[types.Field]:
    info = types.type_info(kind)
    assert isinstance(info, types.StructType)
    return info.fields


def _member(field: types.Field) -> str:
    name = f"**`{field.encode_name}`**" if field.required else f"`{field.encode_name}`"
    return f"{name} ({_type(field.type)})"


def _type(kind: types.Type) -> str:
    match kind:
        case types.Metadata(type=inner):
            return _type(inner)
        case types.UnionType(types=several):
            return " or ".join(_type(each) for each in several if not isinstance(each, types.NoneType))
        case types.StructType(cls=cls):
            return f"structure {cls.__name__}"
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return f"list of {_type(item)}"
        case types.DictType(value_type=value):
            return f"map of {_type(value)}"
        case types.LiteralType(values=values):
            return " or ".join(f'"{value}"' for value in values)
        case types.EnumType(cls=cls):
            return " or ".join(f'"{member.value}"' for member in cls)
    plain = {types.BoolType: "boolean", types.IntType: "integer", types.FloatType: "number", types.AnyType: "any"}
    return plain.get(type(kind), "string")


def permissions() -> str:
    """Who may call what."""
    ops = [op for ops in _by_subject().values() for op in ops]
    lines = [
        "# Who may do what",
        "",
        MADE.format(source="the declarations in server/toque_server/operations"),
        "A user has one level per stack: `deny`, `iam_only` (where everyone starts), `show`, `deploy` or `manage`. In",
        "this order: the account's owner may everything; level `deny` refuses; a policy may refuse; the level decides;",
        "a policy may allow; else no. [How that works, and what policies are](../inside/permissions.md). A thing that",
        "does not exist is `ResourceNotFoundException` to those who may read everything, and `AccessDeniedException`",
        "to others.",
        "",
        "Policies name an operation `opsworks:NAME`, ours too. Every operation can be allowed or denied by a policy; the",
        "table says who may without one. **policy**: nobody but administrators. **self**: on the own profile, where",
        "self-management is allowed. **any**: whoever is known; lists hold what he may see.",
    ]
    for title, target in (("The actions of OpsWorks", OPSWORKS), ("Our own", TOQUE)):
        mine = sorted((op for op in ops if op.target == target), key=lambda op: op.name)
        rows = [(f"`{op.name}`", *_marks(op.permission), _remark(op)) for op in mine]
        lines += ["", f"## {title}", "", *table(("operation", "show", "deploy", "manage", "else"), rows)]
    return "\n".join(lines) + "\n"


def _marks(permission: Permission) -> list[str]:
    """Which of the three levels is enough."""
    levels = (Level.SHOW, Level.DEPLOY, Level.MANAGE)
    return ["✓" if permission is Permission.ANY or grants(level, permission) else "" for level in levels]


def _remark(op: Operation) -> str:
    other = {Permission.ADMINISTRATOR: "policy", Permission.SELF: "self", Permission.ANY: "any"}
    said = other.get(op.permission, "")
    return f"{said}: `opsworks:{op.action}`" if op.action != op.name else said


# Settings ------------------------------------------------------------------------------------------------------------

_WHERE = {"data_dir": "given as --data-dir", "database": "`sqlite:///DATA_DIR/toque.db`"}


def settings() -> str:
    """Both settings files, key by key."""
    server = _attribute_docs(server_settings)
    lines = [
        "# Settings",
        "",
        MADE.format(source="toque_server.settings and toque.daemon.config"),
        "## The server: `server.toml` in its data directory",
        "",
        "`toque server init` writes it, `toque server run` reads it at its start. Times are seconds. A key below",
        "stands in the table of its heading. `profile` names a set of times; what the file says goes before it.",
        "",
        *_settings_table(server_settings.Settings, server),
    ]
    for field in msgspec.structs.fields(server_settings.Settings):
        if _is_struct(field.type):
            lines += ["", f"### `[{field.name}]`", "", _document(field.type), ""]
            lines += _settings_table(field.type, server, section=field.name)
    lines += [
        "",
        '### `[regions."PATTERN"]`',
        "",
        _document(server_settings.Region)
        + " The exact name counts first, then the longest pattern that fits; a region that",
        "no pattern fits is made by `sandbox`.",
        "",
        *_settings_table(server_settings.Region, server),
        "",
        f"## The agent: `{agent_config.DEFAULT_PATH}`",
        "",
        f"Each key also as `{agent_config.PREFIX}KEY` (in capitals) in the environment, which goes before the file.",
        f"`{agent_config.PREFIX}CONFIG` names another file.",
        "",
        _document(agent_config.AgentConfig),
        "",
        *_settings_table(agent_config.AgentConfig, _attribute_docs(agent_config)),
    ]
    return "\n".join(lines) + "\n"


def _settings_table(kind: type[Any], documents: Mapping[tuple[str, str], str], *, section: str = "") -> list[str]:
    demo = server_settings.PROFILES["demo"].get(section)
    rows = []
    for field in msgspec.structs.fields(kind):
        if _is_struct(field.type) or field.name == "regions":
            continue
        default = _WHERE.get(field.name) or _shown(field.default if field.default is not msgspec.NODEFAULT else None)
        if field.default_factory is not msgspec.NODEFAULT:
            default = _shown(field.default_factory())
        row = [f"`{field.name}`", _name_of(field.type), default]
        if demo is not None:
            row.append(_shown(getattr(demo, field.name)))
        rows.append((*row, " ".join(documents.get((kind.__name__, field.name), "").split())))
    heads = ("key", "type", "default", *(("profile `demo`",) if demo is not None else ()), "meaning")
    return table(heads, rows)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _document(kind: type[Any]) -> str:
    return inspect.getdoc(kind) or ""


def _name_of(kind: Any) -> str:
    if kind is timedelta:
        return "seconds"
    if kind in (server_settings.Share, server_settings.Count):
        return "share" if kind is server_settings.Share else "number"
    return {"str": "text", "int": "number", "bool": "true or false", "Path": "path"}.get(
        getattr(kind, "__name__", ""), str(kind).replace(" | None", "").replace("str", "text")
    )


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in (None, "", {}) else f"`{value}`"


def _attribute_docs(module: ModuleType) -> dict[tuple[str, str], str]:
    """The texts below the fields of a module's classes, by (class, field)."""
    found: dict[tuple[str, str], str] = {}
    for cls in ast.parse(inspect.getsource(module)).body:
        if not isinstance(cls, ast.ClassDef):
            continue
        for before, text in zip(cls.body, cls.body[1:], strict=False):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            if is_text and isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
                assert isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
                found[cls.name, before.target.id] = str(text.value.value)
    return found


# Lint ----------------------------------------------------------------------------------------------------------------


def lint() -> str:
    """What `toque cookbook lint` speaks about, beside ruff."""
    from toque.cookbook.lint import all_rules

    lines = ["# The rules of `toque cookbook lint`", "", MADE.format(source="agent/toque/cookbook/lint/rules"), ""]
    lines += ["How it is used: [the tools of cookbook authors](../authoring.md).", ""]
    rows = [(f"`{each.id}`", each.name, " ".join(each.why.split()), each.hint) for each in all_rules()]
    return "\n".join([*lines, *table(("rule", "name", "why", "what to do"), rows)])


PAGES: Mapping[str, Callable[[], str]] = {
    "inside/instance-states.md": instance_states,
    "reference/lint.md": lint,
    "reference/operations.md": operations,
    "reference/permissions.md": permissions,
    "reference/resources.md": resources,
    "reference/settings.md": settings,
}


def main(arguments: Sequence[str]) -> int:
    stale = []
    for name, made in PAGES.items():
        path, text = DOCS / name, made().rstrip("\n") + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in stale))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
