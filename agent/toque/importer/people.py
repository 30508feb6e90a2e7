"""Users: who had a profile, and what each may do; by name in our server's account, whatever his account was."""

from __future__ import annotations

import re
from typing import Final

from toque.importer.dump import Dump, Record
from toque.importer.problems import Verdict
from toque.stackfile.model import Permission, User
from toque.stackfile.records import permission_of, user_of

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:(?:iam|sts)::\d*:(?:user|federated-user)/(?:[^ ]*/)?([A-Za-z0-9+=,.@_-]{1,64})"
)
_LEVELS: Final = ("deny", "show", "deploy", "manage", "iam_only")
_KEYS: Final = ("ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")


class People:
    """All users of a dump, by their names here. Remarks go to the dump: a user belongs to no stack."""

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self._names: dict[str, str | None] = {}
        self.profiles: dict[str, User] = {}
        for record in dump.every("UserProfiles"):
            name = self._named(record["IamUserArn"])
            if name is not None:
                self.profiles[name] = self._profile(record, name)

    def permissions(self, stack_id: str) -> dict[str, Permission]:
        """Those of a stack that say something, by user."""
        found: dict[str, Permission] = {}
        for record in self._dump.of("Permissions", "StackId", stack_id):
            if record.get("Level") not in (None, *_LEVELS):
                self._dump.remark(f"user {record['IamUserArn']}", f"there is no level {record['Level']}")
                continue
            said = permission_of(record)
            if said is None or (name := self._named(record["IamUserArn"])) is None:
                continue
            found[name] = said
            if name not in self.profiles:
                self._dump.remark(
                    f"user {name}", "there is no profile in the dump: a plain one is made", Verdict.CHANGED
                )
                self.profiles[name] = User()
        return found

    def _named(self, arn: str) -> str | None:
        """The name here of the user of this ARN; None, and a remark, for who cannot be one."""
        if arn not in self._names:
            self._names[arn] = self._new_name(arn)
        return self._names[arn]

    def _new_name(self, arn: str) -> str | None:
        found = _ARN.fullmatch(arn)
        if found is None:
            said = "only users can be imported: an account's root is the server's administrator, a role is nobody here"
            self._dump.remark(f"user {arn}", said)
            return None
        if found[1] in self._names.values():
            self._dump.remark(f"user {arn}", f"there is another user called {found[1]}")
            return None
        return found[1]

    def _profile(self, record: Record, name: str) -> User:
        said = (record.get("SshPublicKey") or "").strip()
        if said and not said.startswith(_KEYS):
            known = ", ".join(each.strip().rstrip("-@") for each in _KEYS)
            text = f"his SSH key is of a kind that is not taken any more: please have him give another ({known})"
            self._dump.remark(f"user {name}", text, Verdict.TO_DO)
            record = {**record, "SshPublicKey": None}
        return user_of(record)
