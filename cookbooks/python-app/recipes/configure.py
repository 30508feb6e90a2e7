"""Tell the apps of this node who is online now."""

from pathlib import Path

from cookbooks.python_app.process import served_apps, write_stack_file

for app in served_apps():
    if Path(f"/srv/www/{app.shortname}/shared/config").is_dir():
        write_stack_file(app.shortname)
