"""The local accounts of users with SSH access (chapter 07, section 5)."""

import pwd
from pathlib import Path

from toque import directory, file, group, search, user

GROUP = "opsworks"
FIRST_ID, LAST_ID = 2000, 4000


def keep_accounts() -> None:
    """Create and update the accounts that the stack names, and remove those of ours that it no longer names."""
    wanted = {item["username"]: item for item in search("aws_opsworks_user")}
    ours = our_accounts()
    if not wanted and not ours:
        return
    group(GROUP)
    for name, item in wanted.items():
        keep_account(name, item)
    for account in ours:
        if account not in wanted:
            remove_account(account)


def release_accounts(*, remove: bool) -> None:
    """Take every right to sudo that we gave; `remove` takes the accounts, too, and leaves their homes."""
    for name in our_accounts():
        if remove:
            remove_account(name)
        else:
            file(sudoers(name), present=False)


def our_accounts() -> list[str]:
    return [each.pw_name for each in pwd.getpwall() if FIRST_ID <= each.pw_uid < LAST_ID and each.pw_gecos == GROUP]


def remove_account(name: str) -> None:
    file(sudoers(name), present=False)
    user(name, present=False)


def keep_account(name: str, item: dict[str, object]) -> None:
    home = f"/home/{name}"
    user(
        name,
        uid=item["unix_user_id"],
        group=GROUP,
        home=home,
        shell="/bin/bash",
        comment=GROUP,
        create_home=True,
    )
    directory(f"{home}/.ssh", owner=name, group=GROUP, mode="0700")
    file(
        f"{home}/.ssh/authorized_keys",
        content=f"{item['ssh_public_key'] or ''}\n",
        owner=name,
        group=GROUP,
        mode="0600",
    )
    if Path("/etc/sudoers.d").is_dir():
        file(
            sudoers(name),
            content=f"{name} ALL=(ALL) NOPASSWD: ALL\n",
            mode="0440",
            present=bool(item["administrator_privileges"]),
        )


def sudoers(name: str) -> str:
    return f"/etc/sudoers.d/toque-{name.replace('.', '_')}"
