"""How long converging many files and templates takes, the start of the process included (DESIGN, chapter 6).

    python bench/converge.py [--size 1000] [--runs 7] [--interpreter /usr/bin/python3]
    python bench/converge.py --peers …/peers/run.py [--tool cfengine --tool puppet …]

Each figure is the median over `--runs` fresh processes of `toque apply FILE`; a first converge starts in a folder that
was never there, a no-op one where everything is right already. Nothing is deleted before the end: ext4 does not give
out an inode again soon after it was freed, and looking for another takes longer than writing the file. The last line of
output is one JSON object; `figures` in it has all four.

With `--peers` other tools converge the same state in the same run: that program (see its README) makes the files, runs
each tool, proves that the state is right and that a second run changes nothing. Root is needed; `ratios` says how many
times as long as Toque each of them takes.
The interpreter matters: Debian's is built with profile-guided optimisation, one that is not takes 1.5 times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TARGETS = {
    "files_noop": (0.20, 0.12),
    "files_first": (0.40, None),
    "templates_noop": (0.25, None),
    "templates_first": (0.60, None),
}
"""Seconds for 1,000 resources: target, and stretch where there is one."""

FILES = """\
from toque import file

for number in range({size}):
    file(f"{folder}/f{{number:05}}", content=f"line one of file {{number}}\\nline two\\n", mode="0644")
"""

TEMPLATES = """\
from toque import template

for number in range({size}):
    template(f"{folder}/t{{number:05}}", source="site.j2", mode="0644", name=f"s{{number}}", port=8000 + number % 9)
"""

SITE = """\
server {
    listen {{ port }};
    server_name {{ name }}.example.com;
{% for path in ["static", "media"] %}
    location /{{ path }}/ { root /srv/{{ name }}/{{ path }}; }
{% endfor %}
}
"""


BARE = """\
import os, sys
for number in range(int(sys.argv[2])):
    there = f"{sys.argv[1]}/b{number:05}"
    file = os.open(there + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(file, b"line one of a file\\nline two\\n")
    os.close(file)
    os.rename(there + ".new", there)
"""
"""The control: as many files written by a bare loop, and nothing else. It shows what the disk itself takes just now."""


def once(interpreter: str, arguments: list[str], home: Path) -> float:
    """Seconds from starting the process to its end."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": _path(interpreter)}
    command = [interpreter, *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def _path(interpreter: str) -> str:
    """Our sources, and for another interpreter the packages of this one (of the same version)."""
    own = [str(ROOT / "agent")]
    if Path(interpreter).resolve() != Path(sys.executable).resolve():
        own += [each for each in sys.path if each.endswith("site-packages")]
    return os.pathsep.join(own)


def measure(kind: str, text: str, size: int, runs: int, interpreter: str, work: Path) -> dict[str, list[float]]:
    recipe = work / f"{kind}.py"
    # What the installed script `toque` does.
    apply = ["-c", "from toque.cli import main; main()", "apply", str(recipe)]
    first, noop, bare = [], [], []
    for number in range(runs):
        folder = work / f"{kind}-{number}"
        recipe.write_text(text.format(size=size, folder=folder / "ours"))
        (folder / "ours").mkdir(parents=True)
        (folder / "bare").mkdir()
        # Whoever comes second finds inodes more easily, so they take turns.
        for is_bare in (number % 2 == 0, number % 2 == 1):
            argv = ["-c", BARE, str(folder / "bare"), str(size)] if is_bare else apply
            (bare if is_bare else first).append(once(interpreter, argv, work))
        noop.append(once(interpreter, apply, work))
    return {f"{kind}_first": first, f"{kind}_noop": noop, f"{kind}_bare": bare}


PEERS_RECIPE = """\
import json, shutil
from pathlib import Path

from toque import directory, execute, file, link, template

HERE = Path(__file__).resolve().parent.parent
WANTED = json.loads((HERE / "bench.json").read_text())
ROOT, SOURCES = WANTED["root"], f"{WANTED['src']}/files"
OURS = {"owner": "root", "group": "root"}
beside = Path(__file__).with_name("vhost.j2")     # where a recipe without a cookbook looks for its templates
if not beside.exists() and (HERE / "vhost.j2").exists():
    shutil.copy(HERE / "vhost.j2", beside)
for path in WANTED["dirs"]:
    directory(f"{ROOT}/{path}", mode="0755", **OURS)
for path, number in WANTED["files"]:
    with open(f"{SOURCES}/f{number:05}", "rb") as source:
        content = source.read()
    file(f"{ROOT}/{path}", content=content, mode="0640", **OURS)
for site in WANTED["sites"]:
    given = {name: site[name] for name in ("name", "port", "docroot", "workers", "admin")}
    template(f"{ROOT}/{site['path']}", source="vhost.j2", mode="0640", variables=given, **OURS)
for path, to in WANTED["links"]:
    link(f"{ROOT}/{path}", to=f"{ROOT}/{to}")
for path in WANTED["execs"]:
    execute(["touch", f"{ROOT}/{path}"], creates=f"{ROOT}/{path}")
"""
"""What the peers are asked to converge, in our words: `bench.json` and the template are laid down by their program."""

Measured = dict[str, dict[str, float]]


def beside(program: Path, tools: list[str], size: int, runs: int, interpreter: str) -> Measured:
    """Median seconds of each tool, ours first, for each figure; exits where one does not reach the state."""
    with tempfile.TemporaryDirectory() as work:
        recipe, ours, out = Path(work) / "recipe.py", Path(work) / "toque", Path(work) / "out.jsonl"
        recipe.write_text(PEERS_RECIPE)
        ours.write_text(
            f"#!/bin/sh\nPYTHONPATH={_path(interpreter)} exec {interpreter} "
            "-c 'from toque.cli import main; main()' \"$@\"\n"
        )
        ours.chmod(0o755)
        argv = [sys.executable, str(program), *(f"--tool={tool}" for tool in ["toque", *tools])]
        argv += ["--workload=files", "--workload=templates", f"--n={size}", f"--runs={runs}", f"--out={out}"]
        argv += [f"--toque={ours}", f"--toque-recipe={recipe}"]
        if subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit("a tool did not reach the state, or changed something the second time: see above")
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    measured: Measured = {}
    for line in lines:
        if line["kind"] == "summary":
            name = f"{line['workload']}_{line['phase']}"
            measured.setdefault(line["tool"], {})[name] = line["wall_s"]["median"]
    return measured


def ratios(measured: Measured) -> Measured:
    """How many times as long as ours each tool takes."""
    ours = measured["toque"]
    return {
        tool: {name: round(seconds / ours[name], 1) for name, seconds in taken.items()}
        for tool, taken in measured.items()
        if tool != "toque"
    }


def table(measured: Measured) -> str:
    """Seconds per tool, for people, and in brackets the ratio to ours."""
    names = list(measured["toque"])
    told = [f"{'tool':14}" + "".join(f"{name:>24}" for name in names)]
    for tool, taken in measured.items():
        cells = [f"{taken[name]:.3f} s ({taken[name] / measured['toque'][name]:.1f})" for name in names]
        told.append(f"{tool:14}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(told)


def figure(name: str, seconds: list[float], size: int) -> dict[str, object]:
    target, stretch = TARGETS[name]
    value = statistics.median(seconds)
    result: dict[str, object] = {
        "name": name,
        "value": round(value, 4),
        "unit": "s",
        "target": target,
        "met": value <= target,
        "size": size,
        "runs": len(seconds),
        "best": round(min(seconds), 4),
        "worst": round(max(seconds), 4),
    }
    return result | ({"stretch": stretch, "stretch_met": value <= stretch} if stretch else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000, help="files and templates (targets are for 1000)")
    parser.add_argument("--runs", type=int, default=7, help="processes per figure")
    parser.add_argument("--interpreter", default=sys.executable)
    parser.add_argument("--work", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--peers", type=Path, help="the program that measures other tools beside ours")
    parser.add_argument("--tool", action="append", help="a tool to measure beside ours (default: cfengine)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        (Path(work) / "site.j2").write_text(SITE)
        seconds: dict[str, list[float]] = {}
        for kind, text in (("files", FILES), ("templates", TEMPLATES)):
            seconds |= measure(kind, text, options.size, options.runs, options.interpreter, Path(work))
    figures = [figure(name, seconds[name], options.size) for name in TARGETS]
    for each in figures:
        verdict = "met" if each["met"] else "MISSED"
        print(f"{each['name']:18} {each['value']:8} s   target {each['target']} s   {verdict}")
    bare = round(statistics.median(seconds["files_bare"] + seconds["templates_bare"]), 4)
    print(
        f"{'bare loop':18} {bare:8} s   (writes as many files and does nothing else: the disk's share of a first one)"
    )
    figures[0]["bare_loop"] = bare
    result = {**figures[0], "name": "converge", "met": all(f["met"] for f in figures), "figures": figures}
    if options.peers:
        measured = beside(options.peers, options.tool or ["cfengine"], options.size, options.runs, options.interpreter)
        result |= {"peers": measured, "ratios": ratios(measured)}
        print(table(measured))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
