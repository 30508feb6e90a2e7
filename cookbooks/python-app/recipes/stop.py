"""Stop the apps: the instance is about to leave."""

from pathlib import Path

from cookbooks.python_app.process import served_apps, service_name

from toque import service

for app in served_apps():
    if Path(f"/srv/www/{app.shortname}/current").exists():
        service(service_name(app.shortname), running=False)
