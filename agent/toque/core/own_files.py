"""Files in a user's own home, handled with that user's rights.

What stands below a home is the user's to move about: a folder may have become a link to /etc between two calls. Root
who writes there writes anywhere; the user who writes there can only do what he could have done by himself.
"""

from __future__ import annotations

from toque.core.errors import ToqueError
from toque.core.files import user_id
from toque.core.host import Host


def home_of(host: Host, user: str) -> str:
    """The home folder; raises NotFound where there is no such user, and says how to make a home that is missing."""
    user_id(host, user)
    home = host.home_of(user)
    if home is None or host.entry(home) is None:
        raise ToqueError(
            f"user {user} has no home folder ({home}): user({user!r}, create_home=True) makes it with a new user, "
            f"directory({str(home)!r}, owner={user!r}) for one who is there"
        )
    return home


def read_as(host: Host, user: str, path: str) -> bytes | None:
    """The content of a plain file that the user can read (text); None where there is none, links not followed."""
    found = host.entry(path)
    if found is None or found.kind != "file":
        return None
    ran = host.run(["cat", "--", path], user=user, ok={0, 1})
    return ran.out.encode() if ran.code == 0 else None


def write_as(host: Host, user: str, path: str, content: bytes) -> None:
    """Put a whole text file in place at once, for its user only (0600), with the folder above it (0700)."""
    folder, _, name = path.rpartition("/")
    if host.entry(folder) is None:
        host.run(["mkdir", "-p", "-m", "0700", "--", folder], user=user, umask=0o077)
    beside = f"{folder}/.{name}.toque"
    host.run(["tee", "--", beside], user=user, umask=0o077, input=content.decode())
    host.run(["chmod", "0600", "--", beside], user=user)
    host.run(["mv", "-f", "-T", "--", beside, path], user=user)


def remove_as(host: Host, user: str, path: str) -> None:
    host.run(["rm", "-f", "--", path], user=user)


def make_private(host: Host, user: str, folder: str) -> None:
    """Give a folder that stands directly in the home to the user alone."""
    # Not followed, and what is above it is not the user's to change: this much is safe to do as root.
    host.chown(folder, user_id(host, user), None)
    host.run(["chmod", "0700", "--", folder], user=user)
