"""The local accounts of users with SSH access (chapter 07, section 5).

Ours are the accounts whose first group is `opsworks` and whose number is one that the server gives; nothing else is
ever changed. An account is its number: another name under the same number is the same user, renamed.
"""

import grp
import pwd
import shutil  # toque: ignore[TQ206] asked only whether a program is there
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from toque import authorized_keys, directory, execute, file, group, log, search, sudo, user
from toque.core import BadProperty, ResourceFailed
from toque.core.sessions import END
from toque.core.ssh_keys import parse

GROUP = "opsworks"
FIRST_ID, LAST_ID = 2000, 4000
REMOVED = Path("/var/lib/toque/removed-homes")
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Account:
    """What there is under a number."""

    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order; `skipped` says of whom nothing can be done, and why."""

    removed: tuple[Account, ...]
    renamed: tuple[tuple[Account, str], ...]
    kept: tuple[str, ...]
    skipped: Mapping[str, str]


def keep_accounts() -> None:
    """Create, rename and update the accounts that the stack names, and remove those of ours that it no longer names."""
    wanted = {item["username"]: item for item in search("aws_opsworks_user")}
    there, ours = accounts_there(), our_group()
    forget_old_homes(datetime.now(UTC))
    if not wanted and ours is None:
        return
    plan = decide({name: int(item["unix_user_id"]) for name, item in wanted.items()}, there, ours)
    group(GROUP)
    for account in plan.removed:
        remove_account(account)
        put_home_away(account)
    for account, name in plan.renamed:
        rename_account(account, name)
    failures: list[ResourceFailed] = []
    for name in plan.kept:
        try:
            keep_account(name, wanted[name])
        except ResourceFailed as failed:
            # What one user makes of his home must not keep the others from their accounts; it is reported.
            failures.append(failed)
    for name, reason in plan.skipped.items():
        log(f"the account {name} was skipped: {reason}", level="warning")
    if failures:
        raise failures[0]


def decide(wanted: Mapping[str, int], there: Sequence[Account], ours: int | None) -> Plan:
    """What to do so that the wanted users (name to number) have accounts; `ours` is the number of our group."""
    managed = {each.uid: each for each in there if is_ours(each, ours)}
    removed = tuple(each for each in managed.values() if each.uid not in wanted.values())
    left = [each for each in there if each not in removed]
    names, numbers = {each.name: each for each in left}, {each.uid: each for each in left}
    renamed: list[tuple[Account, str]] = []
    skipped: dict[str, str] = {}
    for name, uid in wanted.items():
        by_name, by_uid = names.get(name), numbers.get(uid)
        if by_name is not None and by_name.uid != uid:
            skipped[name] = f"there is an account of that name already, with the number {by_name.uid}"
        elif by_uid is not None and uid not in managed:
            skipped[name] = f"the number {uid} belongs to the account {by_uid.name}, which is not one of ours"
        elif by_uid is not None and by_uid.name != name:
            renamed.append((by_uid, name))
    return Plan(removed, tuple(renamed), tuple(name for name in wanted if name not in skipped), skipped)


def release_accounts(*, remove: bool) -> None:
    """Take every right to sudo that we gave; `remove` takes the accounts, too, and leaves their homes."""
    ours = our_group()
    for account in (each for each in accounts_there() if is_ours(each, ours)):
        if remove:
            remove_account(account)
        else:
            sudo(rule_of(account.name), present=False)


def accounts_there() -> list[Account]:
    return [Account(each.pw_name, each.pw_uid, each.pw_gid, each.pw_dir) for each in pwd.getpwall()]


def our_group() -> int | None:
    return next((each.gr_gid for each in grp.getgrall() if each.gr_name == GROUP), None)


def is_ours(account: Account, ours: int | None) -> bool:
    return account.gid == ours and FIRST_ID <= account.uid < LAST_ID


def keep_account(name: str, item: dict[str, Any]) -> None:
    home = f"/home/{name}"
    user(
        name,
        uid=item["unix_user_id"],
        group=GROUP,
        home=home,
        shell="/bin/bash",
        comment=f"OpsWorks user {name}",
        create_home=True,
    )
    keys = keys_of(name, item["ssh_public_key"] or "")
    if keys:
        authorized_keys(name, keys=keys, exclusive=True)
    else:
        authorized_keys(name, present=False)
    if Path("/etc/sudoers.d").is_dir():
        if item["administrator_privileges"]:
            allow_sudo(name)
        else:
            sudo(rule_of(name), present=False)


def keys_of(name: str, text: str) -> list[str]:
    """The keys, each once; one that sshd would pass over must not keep the others from being rolled out."""
    keys: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        try:
            key = parse(f"a key of {name}", line)
        except BadProperty as error:
            log(f"{error}; it was left out", level="warning")
        else:
            keys.setdefault(key.blob, key.line)
    return list(keys.values())


def allow_sudo(name: str) -> None:
    """The rule is checked before it takes the place of the one that is there: a broken one locks everybody out."""
    if shutil.which("visudo"):
        sudo(rule_of(name), users=[name], nopasswd=True)
    else:
        # No sudo yet: nothing to check with, and nothing to break.
        file(f"/etc/sudoers.d/{rule_of(name)}", content=f"{name} ALL=(ALL) NOPASSWD:ALL\n", mode="0440")


def rule_of(name: str) -> str:
    """What our rule for this user is called."""
    return f"toque-{name}"


def remove_account(account: Account) -> None:
    """Take the rights and the account away, and end what runs as the user."""
    sudo(rule_of(account.name), present=False)
    user(account.name, present=False, end_sessions=True)


def put_home_away(account: Account) -> None:
    """Keep the home for a while where only root can read it."""
    directory(str(REMOVED), mode="0700", parents=True)
    kept = f"{REMOVED}/{account.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    execute(["mv", "-T", "--", account.home, kept], only_if=["test", "-d", account.home])


def rename_account(account: Account, name: str) -> None:
    sudo(rule_of(account.name), present=False)
    execute([sys.executable, "-I", "-c", END, str(account.uid)], only_if=lambda: runs_something(account.uid))
    # The word `user` knows an account by its name, which is what changes here.
    rename = ["usermod", "--login", name, "--home", f"/home/{name}", "--move-home", "--", account.name]
    execute(rename, unless=["id", "--", name])


def runs_something(uid: int) -> bool:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == uid:
                return True
        except OSError:
            continue
    return False


def forget_old_homes(now: datetime) -> None:
    """Homes of removed accounts go after thirty days; their names end in when that was."""
    for path in sorted(REMOVED.glob("*-*")) if REMOVED.is_dir() else ():
        try:
            removed_at = datetime.strptime(path.name.rpartition("-")[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        if now - removed_at > KEPT_FOR:
            directory(str(path), present=False, recursive=True)
