"""Put a new release of every app of this command in place, and restart its process."""

from cookbooks.python_app.process import build, served_apps, start, write_stack_file

from toque import app_release, settings
from toque.resources.app_release import Release


def start_release(release: Release) -> None:
    write_stack_file(release.shortname)
    start(release, settings)


for app in served_apps():
    if app.deploy:
        app_release(
            app,
            user=settings.user,
            group=settings.group,
            build=lambda release: build(release, settings),
            start=start_release,
        )
