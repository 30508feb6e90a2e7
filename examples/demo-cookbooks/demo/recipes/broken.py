"""A recipe that fails, to show where an operator reads why."""

from toque import execute, file

file("/var/tmp/before.txt", content="this stood before the failing line\n")

execute(["/bin/sh", "-c", "echo no $NEEDED >&2; exit 3"], environment={"NEEDED": "kettle"})
