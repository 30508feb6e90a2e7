"""How long converging many files and templates takes, the start of the process included (DESIGN, chapter 6).

    python bench/converge.py [--size 1000] [--runs 7] [--interpreter /usr/bin/python3]

Each figure is the median over `--runs` fresh processes of `toque apply FILE`; a first converge starts in an empty
folder, a no-op one where everything is right already. The last line of output is one JSON object; `figures` in it has
all four.
The interpreter matters: Debian's is built with profile-guided optimisation, one that is not takes 1.5 times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
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
    folder, recipe = work / kind, work / f"{kind}.py"
    recipe.write_text(text.format(size=size, folder=folder))
    # What the installed script `toque` does.
    apply = ["-c", "from toque.cli import main; main()", "apply", str(recipe)]
    first, noop, bare = [], [], []
    for _ in range(runs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        bare.append(once(interpreter, ["-c", BARE, str(folder), str(size)], work))
        first.append(once(interpreter, apply, work))
        noop.append(once(interpreter, apply, work))
    return {f"{kind}_first": first, f"{kind}_noop": noop, f"{kind}_bare": bare}


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
    print(json.dumps({**figures[0], "name": "converge", "met": all(f["met"] for f in figures), "figures": figures}))


if __name__ == "__main__":
    main()
