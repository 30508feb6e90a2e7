"""Stop the apps: the instance is about to leave."""

from cookbooks.python_app.process import served_apps, service_name

from toque import service

for app in served_apps():
    deployed = ["test", "-e", f"/srv/www/{app.shortname}/current"]
    service(service_name(app.shortname), running=False, only_if=deployed)
