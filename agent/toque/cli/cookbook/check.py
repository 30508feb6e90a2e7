"""`toque cookbook check`: types, settings, names and the lock of cookbooks, before any machine sees them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from toque.cli.cookbook.folders import FOLDER, cookbooks_in, needs_extra, shown

_SAID = re.compile(
    r"(?P<path>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?P<kind>error|note): (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?$"
)

EXIT_CODES = """\b
Exit codes:
  0    everything fits
  1    something does not
  2    there is no cookbook, or the command line is wrong
"""


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit, and where."""

    path: str
    line: int
    what: str
    message: str


@click.command(epilog=EXIT_CODES)
@FOLDER
@click.option("--no-types", is_flag=True, help="Leave mypy out.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def check(folder: Path, no_types: bool, output: str) -> None:
    """Check the cookbooks of FOLDER: manifests, recipes' syntax, settings, requirements, and types by mypy --strict.

    A wrong property, a wrong type, a setting that does not exist and a reference to nothing are found here, with the
    line, and not on a machine. Nothing of the cookbooks is executed but their `settings.py`.
    """
    found = cookbooks_in(folder)
    known, problems = _known(found)
    problems += [problem for root in found.values() for problem in _of(root, known)]
    if not no_types and not problems:
        problems = list(types_of(found, known))
    if output == "json":
        click.echo(json.dumps([asdict(each) for each in problems], indent=2))
    else:
        for each in problems:
            place = click.style(f"{each.path}:{each.line}" if each.line else each.path, bold=True)
            click.echo(f"{place}: {each.message}" + (f"  [{each.what}]" if each.what else ""))
        told = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        told = told if problems else f"everything fits: {', '.join(sorted(found))}"
        click.echo(told, err=True)
    sys.exit(1 if problems else 0)


def _known(found: dict[str, Path]) -> tuple[dict[str, Path], list[Problem]]:
    """The cookbooks with those that they need, as cookbooks.lock has them; and what is wrong with that."""
    from toque.cookbook.deps.errors import BadDependencies
    from toque.cookbook.deps.repository import Repository
    from toque.cookbook.locked import with_locked
    from toque.core.errors import NotLoadable

    known, problems = dict(found), []
    for root in sorted({place for folder in found.values() for place in (folder, folder.parent)}):
        if not (root / "cookbooks.toml").is_file():
            continue
        try:
            Repository.read(root).lock()
            known = {**with_locked(root), **known}
        except BadDependencies as error:
            problems.append(Problem(shown(Path(error.path)), error.line, "lock", error.reason))
        except NotLoadable as error:
            problems.append(Problem(shown(root / "cookbooks.lock"), 0, "lock", str(error)))
    return known, problems


def _of(root: Path, known: dict[str, Path]) -> Iterator[Problem]:
    """What is wrong with a cookbook by itself: syntax, settings, what it requires."""
    from toque.cookbook.layout import BadCookbook, load_cookbook
    from toque.cookbook.lint.subject import read_cookbook

    try:
        cookbook = read_cookbook(root)
    except BadCookbook as error:
        yield Problem(shown(error.path), error.line, "cookbook.toml", error.reason)
        return
    for path, broken in cookbook.broken:
        yield Problem(shown(path), broken.lineno or 1, "syntax", f"is not valid Python: {broken.msg}")
    yield from _settings(root, known)
    for name, wanted in cookbook.info.requires.items():
        if name in known and not fits(load_cookbook(known[name]).version, wanted):
            version = load_cookbook(known[name]).version
            yield Problem(
                shown(root / "cookbook.toml"), 0, "requires", f"requires {name} {wanted}, and {name} is {version} here"
            )


def fits(version: str, wanted: str) -> bool:
    """Whether a version is one of those wanted (`>=1.2,<2`, `~=1.4`, `*`)."""
    if wanted.strip() in ("", "*"):
        return True
    try:
        from packaging.specifiers import SpecifierSet
    except ModuleNotFoundError as missing:
        needs_extra(missing)
    return SpecifierSet(wanted).contains(version, prereleases=True)


def _settings(root: Path, known: dict[str, Path]) -> Iterator[Problem]:
    """Whether settings.py can be imported, and its defaults fit their own types."""
    from dataclasses import MISSING, fields, is_dataclass
    from importlib import import_module

    from toque.cookbook.finder import importable, module_name
    from toque.cookbook.settings import BadSetting, convert

    path = root / "settings.py"
    if not path.is_file():
        return
    name = next(each for each, folder in known.items() if folder == root)
    with importable(known):
        try:
            kind = getattr(import_module(f"{module_name(name)}.settings"), "Settings", None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (one of the four homes: around a stranger's module)
            yield Problem(shown(path), 0, "settings", f"cannot be loaded: {type(error).__name__}: {error}")
            return
        if not (isinstance(kind, type) and is_dataclass(kind)):
            yield Problem(shown(path), 0, "settings", "needs a frozen dataclass called Settings")
            return
        from typing import get_type_hints

        hints = get_type_hints(kind)
        for field in fields(kind):
            if field.default is MISSING or is_dataclass(field.default):
                continue
            try:
                convert(hints[field.name], field.default, f"Settings.{field.name}")
            except BadSetting as error:
                yield Problem(shown(path), 0, "settings", f"the default does not fit its own type: {error}")


def types_of(cookbooks: dict[str, Path], known: dict[str, Path]) -> Iterator[Problem]:
    """What mypy --strict says of cookbooks, each with the word `settings` typed as its own Settings.

    `known` are all that they may import from.
    """
    if find_spec("mypy") is None:
        needs_extra("mypy")
    for name, root in cookbooks.items():
        with tempfile.TemporaryDirectory(prefix="toque-check-") as work:
            yield from _mypy(name, root, known, Path(work))


def _mypy(name: str, root: Path, cookbooks: dict[str, Path], work: Path) -> Iterator[Problem]:
    stage(Path(work), name, cookbooks)
    module = name.replace("-", "_")
    files = [
        str(path)
        for path in sorted((work / "cookbooks" / module).rglob("*.py"))
        if path.relative_to(work / "cookbooks" / module).parts[0] not in ("tests", "files", "templates")
    ]
    if not files:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toque/mypy"
    argv = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "--no-error-summary", "--no-pretty"]
    argv += ["--explicit-package-bases", "--namespace-packages", "--follow-imports=silent", "--config-file="]
    argv += [
        f"--cache-dir={cache}",
        "--python-version=3.11",
        "--disable-error-code=import-untyped",
    ]
    environment = {**os.environ, "MYPYPATH": str(work)}
    done = subprocess.run([*argv, *files], capture_output=True, text=True, check=False, env=environment, cwd=work)
    if done.returncode not in (0, 1):
        raise click.ClickException(f"mypy failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    for line in done.stdout.splitlines():
        said = _SAID.fullmatch(line)
        if said is None or said["kind"] == "note":
            continue
        inner = Path(said["path"])
        place = inner if inner.is_absolute() else work / inner
        own = root / place.relative_to(work / "cookbooks" / module)
        yield Problem(shown(own), int(said["line"]), said["code"] or "", said["message"])


def stage(work: Path, name: str, cookbooks: dict[str, Path]) -> None:
    """Lay out what mypy shall see: the cookbooks under the names they are imported by, and the words of recipes.

    `toque.settings` is of every cookbook's own type in a run; here it is the type of the one that is checked.
    """
    import toque

    (work / "cookbooks").mkdir()
    for each, folder in cookbooks.items():
        (work / "cookbooks" / each.replace("-", "_")).symlink_to(folder, target_is_directory=True)
    package = Path(toque.__file__).parent
    (work / "toque").mkdir()
    for inner in package.iterdir():
        if inner.name not in ("__init__.py", "__pycache__"):
            (work / "toque" / inner.name).symlink_to(inner)
    words = (package / "__init__.py").read_text(encoding="utf-8")
    if (cookbooks[name] / "settings.py").is_file():
        module = f"cookbooks.{name.replace('-', '_')}.settings"
        words = re.sub(r"(?m)^(    from toque\.core\.world import .*), settings\b", r"\1", words)
        words += f"\nfrom {module} import Settings as _Settings\n\nsettings: _Settings\n"
    (work / "toque" / "__init__.py").write_text(words, encoding="utf-8")
