"""A stand-in for the engine of a run: recipes are plain Python, executed in order; the first error ends the run."""

import json
import sys
import traceback
import types
from pathlib import Path


def execute_run(directory):
    for step in json.loads((directory / "steps.json").read_text()):
        for recipe in step["recipes"]:
            book, _, name = recipe.partition("::")
            [path] = directory.glob(f"cookbooks/*/{book}/recipes/{name or 'default'}.py")
            try:
                exec(compile(path.read_text(), str(path), "exec"), {"__name__": "recipe", "run_directory": directory})
            except Exception:
                traceback.print_exc()
                return 1
            finally:
                sys.stdout.flush()
    return 0


engine = types.ModuleType("toque.cookbook.execute")
engine.execute_run = execute_run
sys.modules["toque.cookbook.execute"] = engine
