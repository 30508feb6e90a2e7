"""Writes the typed half of `toque.client` from the declarations: `structures.py`, and `api/` with a file per subject.

python -m toque.cli.client_code          after operations.json was written anew; a test compares
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toque.cli.declarations import declared, kebab, operations
from toque.cli.declarations import kind as kind_of
from toque.cli.paging import LIMIT, TOKEN, records_of
from toque.client.waiting import WAITERS

FOLDER = Path(__file__).resolve().parent.parent / "client"
_MADE = "Made by `python -m toque.cli.client_code`."


def files() -> dict[str, str]:
    """The text of every file, by its path below `toque/client/`."""
    subjects: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for about in operations().values():
        subjects[about["subject"]].append(about)
    made = {f"api/{subject}.py": _subject(subject, ops) for subject, ops in sorted(subjects.items())}
    return made | {
        "api/__init__.py": _api(sorted(subjects)),
        "structures.py": _structures(),
        "api/waiters.py": _waiters(),
    }


def write(folder: Path = FOLDER) -> None:
    """Write the files, and remove those of subjects that are gone."""
    (folder / "api").mkdir(exist_ok=True)
    made = files()
    for stray in {f"api/{each.name}" for each in folder.glob("api/*.py")} - set(made):
        (folder / stray).unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def _head(about: str, *imports: str) -> str:
    return "\n".join([f'"""{about} {_MADE}"""', "", "from __future__ import annotations", "", *imports, "", ""])


def _api(subjects: list[str]) -> str:
    imports = [f"from toque.client.api.{each} import {_calls(each)}" for each in [*subjects, "waiters"]]
    bases = "".join(f"    {_calls(each)},\n" for each in [*subjects, "waiters"])
    return _head("Every operation of the server.", *sorted(imports)) + (
        f'\nclass Api(\n{bases}):\n    """All operations and waiters as methods."""\n'
    )


def _structures() -> str:
    shapes = [_structure(name, members) for name, members in declared()["structures"].items()]
    results = [
        _structure(f"{about['name']}Result", declared()["operations"][about["name"]]["answer"])
        for about in operations().values()
        if about["answer"] is not None
    ]
    imports = ["from typing import Any", "", "import msgspec", "", "from toque.client.structure import Structure"]
    body = "".join([*shapes, *results])
    if "msgspec." not in body:
        imports = [each for each in imports if each != "import msgspec"]
    return _head("The structures of the API.", *imports) + body.rstrip("\n") + "\n"


def _structure(name: str, members: Mapping[str, str]) -> str:
    fields = sorted(members.items(), key=lambda pair: not pair[1].endswith("!"))
    lines = [_field(member, kind_of(text)) for member, text in fields] or ["..."]
    return (
        f"\nclass {name}(Structure, frozen=True, kw_only=True):\n" + "".join(f"    {line}\n" for line in lines) + "\n"
    )


def _field(member: str, kind: Mapping[str, Any]) -> str:
    name, said = _python(member), _type(kind, given=False)
    plain = "".join(part.title() for part in name.split("_")) == member
    if kind.get("required"):
        return f"{name}: {said}" if plain else f'{name}: {said} = msgspec.field(name="{member}")'
    default = "None" if plain else f'msgspec.field(default=None, name="{member}")'
    return f"{name}: {said} | None = {default}"


def _subject(subject: str, ops: list[dict[str, Any]]) -> str:
    methods = "\n".join(text for about in ops for text in (_method(about), *_iteration(about)))
    title = subject.replace("_", " ")
    return (
        _head(f"Operations on {title}.", *_imports(methods, f"from toque.client.calling import {_constants(ops)}Calls"))
        + f'\nclass {_calls(subject)}(Calls):\n    """Operations on {title}."""\n\n{methods}'
    )


def _waiters() -> str:
    methods = "\n".join(_waiter(name) for name in WAITERS)
    said = "They return when it has happened, and raise WaitFailed when it cannot any more, or did not in time."
    head = _head("Waiters.", *_imports(methods, "from toque.client.calling import OPSWORKS, Calls"))
    return f'{head}\nclass WaitersCalls(Calls):\n    """{said}"""\n\n{methods}'


def _constants(ops: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{each}, " for each in sorted({_target(about) for about in ops}))


def _imports(body: str, *more: str) -> list[str]:
    """What the body uses of the standard library and of our structures."""
    collections = [name for name in ("Iterator", "Mapping", "Sequence") if f"{name}[" in body]
    typing = [name for name in ("Any", "Literal") if re.search(rf"\b{name}\b", body)]
    known = [*declared()["structures"], *(f"{each['name']}Result" for each in operations().values())]
    used = sorted(name for name in known if re.search(rf"(?<![\"\w]){name}\b(?!\")", _without_text(body)))
    lines = [f"from collections.abc import {', '.join(collections)}"] if collections else []
    lines += [f"from typing import {', '.join(typing)}"] if typing else []
    lines += [""] if lines else []
    if used:
        names = "".join(f"    {name},\n" for name in used)
        more = (f"from toque.client.structures import (\n{names})", *more)
    return [*lines, *more]


def _without_text(body: str) -> str:
    return re.sub(r'"""[\s\S]*?"""|"[^"\n]*"', "", body)


def _method(about: Mapping[str, Any]) -> str:
    answer = f"{about['name']}Result" if about["answer"] is not None else None
    call = [f'"{about["name"]}"', _target(about), _sent(about["members"]), *([answer] if answer else [])]
    call.append(f"reads={not about['changes']}")
    errors = " or ".join(each for each in about["errors"])
    said = about["help"] + (f"\n\nRaises {errors}." if errors else "")
    head = _signature(_snake(about["name"]), about["members"], answer or "None")
    done = f"return self._ask({', '.join(call)})" if answer else f"self._do({', '.join(call)})"
    return f"{head}\n{_docstring(said)}\n        {done}\n"


def _iteration(about: Mapping[str, Any]) -> Iterator[str]:
    """Beside an operation that answers in pages: the records of all of them, one by one."""
    if (records := records_of(about)) is None or about["changes"]:
        return
    members = {name: kind for name, kind in about["members"].items() if name != TOKEN}
    record = _type(about["answer"][records]["of"], given=False)
    said = f"Yield each of the `{_python(records)}` that `{_snake(about['name'])}` answers with, page after page." + (
        f" A page has `{_python(LIMIT)}`." if LIMIT in members else ""
    )
    name = f"iterate_{_snake(about['name']).removeprefix('describe_').removeprefix('list_')}"
    result = f"{about['name']}Result"
    call = ", ".join([f'"{about["name"]}"', _target(about), _sent(members), result, f'"{_python(records)}"'])
    head = _signature(name, members, f"Iterator[{record}]")
    yield f"{head}\n{_docstring(said)}\n        return self._iterate({call})\n"


def _waiter(name: str) -> str:
    waiter = WAITERS[name]
    about = operations()[kebab(waiter.operation)]
    good = (
        f"all of them are {', '.join(sorted(waiter.success))}" if waiter.success else f"{waiter.operation} is answered"
    )
    said = (
        f"Return when {good}. Looks every {waiter.delay:g} s, {waiter.attempts} times at most; `delay` and `attempts` "
        "change that."
    )
    extra = ["delay: float | None = None", "attempts: int | None = None"]
    head = _signature(f"wait_for_{_snake(name)}", about["members"], "None", extra)
    call = f'self._wait("{name}", {_target(about)}, {_sent(about["members"])}, delay, attempts)'
    return f"{head}\n{_docstring(textwrap.fill(said, 104))}\n        {call}\n"


def _signature(name: str, members: Mapping[str, Any], answer: str, extra: Iterable[str] = ()) -> str:
    required = [f"{_python(m)}: {_type(k, given=True)}" for m, k in members.items() if k.get("required")]
    others = [
        f"{_python(m)}: {_type(k, given=True)} | None = None" for m, k in members.items() if not k.get("required")
    ]
    words = [*required, *others, *extra]
    if not words:
        return f"    def {name}(self) -> {answer}:"
    return (
        f"    def {name}(\n        self,\n        *,\n"
        + "".join(f"        {w},\n" for w in words)
        + f"    ) -> {answer}:"
    )


def _sent(members: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f'"{member}": {_python(member)}' for member in members) + "}"


def _docstring(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', "'''")
    whole = f'"""{escaped}"""' if "\n" not in escaped else f'"""{escaped}\n"""'
    return textwrap.indent(whole, "        ")


def _type(kind: Mapping[str, Any], *, given: bool) -> str:
    """A kind in Python; what is `given` to a method may be any sequence or mapping."""
    match kind["type"]:
        case "structure":
            return str(kind["name"])
        case "list":
            return f"{'Sequence' if given else 'list'}[{_type(kind['of'], given=given)}]"
        case "map":
            inner = _type(kind["of"], given=given) + (" | None" if kind["of"].get("nullable") else "")
            return f"{'Mapping' if given else 'dict'}[str, {inner}]"
        case "string" if given and kind.get("choices"):
            return f"Literal[{', '.join(repr(each) for each in kind['choices'])}]".replace("'", '"')
    return {"boolean": "bool", "integer": "int", "number": "float", "any": "Any"}.get(kind["type"], "str")


def _target(about: Mapping[str, Any]) -> str:
    return "OPSWORKS" if about["target"].startswith("OpsWorks_") else "TOQUE"


def _snake(name: str) -> str:
    return kebab(name).replace("-", "_")


def _python(member: str) -> str:
    name = _snake(member)
    return f"{name}_" if keyword.iskeyword(name) else name


def _calls(subject: str) -> str:
    return "".join(part.title() for part in subject.split("_")) + "Calls"


if __name__ == "__main__":
    write()
