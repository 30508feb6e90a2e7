"""What Python apps need on the node: the interpreter, and the account they run as."""

from toque import directory, group, package, settings, user

package(["python3", "python3-venv"])
group(settings.group)
user(settings.user, group=settings.group, home="/home/deploy", shell="/bin/bash", create_home=True)
directory("/srv/www", mode="0755", parents=True)
