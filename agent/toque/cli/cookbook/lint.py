"""`toque cookbook lint`: ruff with our preset, and the rules that know recipes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import click

from toque.cli.cookbook.folders import FOLDER, cookbooks_in, needs_extra, shown
from toque.cookbook.lint import Finding, all_rules, apply_fixes, lint_cookbook

PRESET = [
    "--isolated",
    "--line-length=120",
    "--target-version=py311",
    "--select=E,F,I,UP,B,C4,SIM,RET,PIE,PERF,S602,S605,S506",
    '--config=lint.isort.known-third-party=["cookbooks"]',
    '--config=lint.isort.known-first-party=["toque"]',
]
"""How ruff is asked: errors, imports, modern syntax and what is surely wrong. A cookbook's own ruff settings are not
read, so that a cookbook is judged alike everywhere."""

EXIT_CODES = """\b
Exit codes:
  0    nothing to say
  1    something to say
  2    there is no cookbook, or the command line is wrong
"""


@click.command(epilog=EXIT_CODES)
@FOLDER
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, and say the rest.")
@click.option("--select", multiple=True, metavar="ID", help="Only these rules (TQ101) or groups of them (TQ1, F).")
@click.option("--ignore", multiple=True, metavar="ID", help="All but these.")
@click.option("--rules", is_flag=True, help="List the rules, and why there is each.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def lint(folder: Path, fix: bool, select: tuple[str, ...], ignore: tuple[str, ...], rules: bool, output: str) -> None:
    """Say what is wrong, or will be, in the cookbooks of FOLDER. Nothing of them is executed.

    A comment `# toque: ignore[TQ101]` on a line keeps a rule from speaking of it.
    """
    if rules:
        for each in all_rules():
            click.echo(f"{each.id}  {each.name}\n       {' '.join(each.why.split())}\n       {each.hint}")
        return
    found: list[Finding] = []
    fixed = 0
    for root in cookbooks_in(folder).values():
        ours, mended = _of(root, fix, select, ignore)
        found += ours
        fixed += mended
    if output == "json":
        click.echo(json.dumps([{**asdict(each), "path": str(each.path)} for each in found], indent=2))
    else:
        _tell(found, fixed)
    sys.exit(1 if found else 0)


def _of(root: Path, fix: bool, select: tuple[str, ...], ignore: tuple[str, ...]) -> tuple[list[Finding], int]:
    """What is left to say of one cookbook, and how much was mended."""
    fixed = apply_fixes(lint_cookbook(root, select=select, ignore=ignore)) if fix else 0
    theirs = ruff(root, fix=fix)
    wanted = [
        each
        for each in theirs
        if (not select or each.rule.startswith(select)) and not (ignore and each.rule.startswith(ignore))
    ]
    found = lint_cookbook(root, select=select, ignore=ignore) + wanted
    return sorted(found, key=lambda each: (str(each.path), each.line, each.column, each.rule)), fixed


def ruff(root: Path, *, fix: bool = False) -> list[Finding]:
    """What ruff says of a cookbook; its fixes are carried out first where they are asked for."""
    if find_spec("ruff") is None:
        needs_extra("ruff")
    argv = [sys.executable, "-m", "ruff", "check", *PRESET, "--output-format=json", "--no-cache"]
    done = subprocess.run([*argv, *(["--fix"] if fix else []), str(root)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise click.ClickException(f"ruff failed: {done.stderr.strip()}")
    return [
        Finding(
            Path(each["filename"]),
            each["location"]["row"],
            each["location"]["column"] - 1,
            each["code"] or "E999",
            each["message"],
            (each["fix"] or {}).get("message") or "",
        )
        for each in json.loads(done.stdout or "[]")
    ]


def _tell(found: list[Finding], fixed: int) -> None:
    for each in found:
        place = click.style(f"{shown(each.path)}:{each.line}:{each.column + 1}", bold=True)
        click.echo(
            f"{place} {click.style(each.rule, fg='red')} {each.message}" + (" [--fix mends it]" if each.edit else "")
        )
        if each.hint:
            click.echo(f"    {each.hint}")
    if fixed:
        click.echo(f"{fixed} mended", err=True)
    click.echo(f"{len(found)} finding{'' if len(found) == 1 else 's'}" if found else "nothing to say", err=True)
