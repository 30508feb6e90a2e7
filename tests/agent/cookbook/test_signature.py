"""Signatures on packages; OpenSSH's own program is the oracle."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.cookbook.deps.place import Place, cookbook
from tests.needs import needs
from toque.cookbook.signature import BadSignature, sign, signature_of, verify

pytestmark = needs("ssh-keygen")


def key(tmp_path: Path, name: str = "id", *options: str) -> Path:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", *options, "-f", str(tmp_path / name)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return tmp_path / name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "shop.tar.gz"
    made.write_bytes(b"a package")
    return made


def test_what_we_sign_openssh_verifies_and_the_other_way_round(tmp_path: Path, file: Path) -> None:
    ann = key(tmp_path)
    public = ann.with_suffix(".pub").read_text()
    (tmp_path / "allowed").write_text(f"# the team\nann@example.org {public}")

    by = sign(file, ann)

    argv = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(tmp_path / "allowed"),
        "-I",
        "ann@example.org",
        "-n",
        "toque-package",
    ]
    subprocess.run([*argv, "-s", str(signature_of(file))], input=file.read_bytes(), check=True, capture_output=True)
    ours = signature_of(file).read_text()
    signature_of(file).unlink()
    argv = ["ssh-keygen", "-Y", "sign", "-n", "toque-package", "-f", str(ann), str(file)]
    subprocess.run(argv, check=True, capture_output=True)
    assert signature_of(file).read_text() == ours
    assert verify(file, tmp_path / "allowed") == verify(file, ann.with_suffix(".pub")) == by


def no_file(text: str) -> str | None:
    return None


SPOILT: dict[str, Callable[[str], str | None]] = {
    "is not signed": no_file,
    "is no signature of OpenSSH": lambda text: text.replace("BEGIN", "BEGUN"),
    "is no signature of OpenSSH ": lambda text: text.replace("U1NI", "U1NJ"),
    "is no signature of OpenSSH  ": lambda text: text[:60] + text[200:],
    "is no signature of OpenSSH   ": lambda text: "\udcff",
}


@pytest.mark.parametrize("says", SPOILT, ids=range(len(SPOILT)))
def test_a_signature_that_is_missing_or_broken_is_refused(tmp_path: Path, file: Path, says: str) -> None:
    ann = key(tmp_path)
    sign(file, ann)
    spoilt = SPOILT[says](signature_of(file).read_text())
    signature_of(file).unlink()
    if spoilt is not None:
        signature_of(file).write_bytes(spoilt.encode(errors="surrogateescape"))

    with pytest.raises(BadSignature, match=says.strip()):
        verify(file, ann.with_suffix(".pub"))


def test_a_changed_file_another_signer_and_another_purpose_are_refused(tmp_path: Path, file: Path) -> None:
    ann, bob = key(tmp_path), key(tmp_path, "bob")
    sign(file, ann)
    with pytest.raises(BadSignature, match=r"is signed by SHA256:\S+, whose key is not in"):
        verify(file, bob.with_suffix(".pub"))
    file.write_bytes(b"another package")
    with pytest.raises(BadSignature, match="is not what was signed"):
        verify(file, ann.with_suffix(".pub"))
    signature_of(file).unlink()
    argv = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(ann), str(file)]
    subprocess.run(argv, check=True, capture_output=True)
    with pytest.raises(BadSignature, match="is no Ed25519 signature for toque-package"):
        verify(file, ann.with_suffix(".pub"))
    with pytest.raises(BadSignature, match="has no line such as"):
        verify(file, file)


def test_a_key_that_cannot_sign_says_what_can(tmp_path: Path, file: Path) -> None:
    with pytest.raises(BadSignature, match=r"has a passphrase: sign with `ssh-keygen -Y sign -n toque-package"):
        sign(file, key(tmp_path, "locked", "-N", "secret"))
    for kind in ("rsa", "ecdsa"):
        with pytest.raises(BadSignature, match="is no Ed25519 key"):
            sign(file, key(tmp_path, kind, "-t", kind))
    with pytest.raises(BadSignature, match="is no private key of OpenSSH"):
        sign(file, file)


def test_a_package_is_signed_and_verified_on_the_command_line(tmp_path: Path) -> None:
    place = Place(tmp_path / "mine").write(cookbook("shop"))
    ann = key(tmp_path)

    place.ok("package", "--sign", str(ann))

    said = place.ok("package", "--verify", "cookbooks.tar.gz", "--signer", f"{ann}.pub").output
    assert "signed by SHA256:" in said
    (place.root / "cookbooks.tar.gz.sig").unlink()
    assert "is not signed" in place.refused("package", "--verify", "cookbooks.tar.gz", "--signer", f"{ann}.pub")
    assert "--signer goes with --verify" in place.refused("package", "--signer", f"{ann}.pub")
