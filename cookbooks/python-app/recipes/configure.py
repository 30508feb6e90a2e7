"""Tell the apps of this node who is online now."""

from cookbooks.python_app.process import served_apps, write_stack_file

for app in served_apps():
    write_stack_file(app.shortname, only_if=["test", "-d", f"/srv/www/{app.shortname}/shared/config"])
