"""Operations on registered. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    InstanceIdentity,
    RegisterInstanceResult,
)
from toque.client.calling import OPSWORKS, Calls


class RegisteredCalls(Calls):
    """Operations on registered."""

    def assign_instance(
        self,
        *,
        instance_id: str,
        layer_ids: Sequence[str],
    ) -> None:
        """Make a registered machine a member of one or several layers: their Setup runs, and it comes online.

        It must be `registered`; another set of layers takes UnassignInstance first. Machines in no cloud go into layers of
        any type, cloud machines into custom layers.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("AssignInstance", OPSWORKS, {"InstanceId": instance_id, "LayerIds": layer_ids}, reads=False)

    def deregister_instance(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Let a machine go: it leaves its layers, its agent removes itself, and its record goes. The machine runs on.

        Its Shutdown recipes run first if it was set up. If its agent does not answer within five minutes, the record goes
        without it. Instances that the service created can be let go, too: their machines are yours from then on, and
        nothing stops or pays attention to them any more.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeregisterInstance", OPSWORKS, {"InstanceId": instance_id}, reads=False)

    def register_instance(
        self,
        *,
        stack_id: str,
        hostname: str | None = None,
        public_ip: str | None = None,
        private_ip: str | None = None,
        rsa_public_key: str | None = None,
        rsa_public_key_fingerprint: str | None = None,
        instance_identity: InstanceIdentity | None = None,
    ) -> RegisterInstanceResult:
        """Make a machine that exists already an instance of a stack: its record, `registering` until its agent has joined.

        This is the second half of a registration; `register` does the whole. Without `Hostname` it is called as the machine
        calls itself. `RsaPublicKey` is a public key in PEM, RSA or Ed25519: with the private half, and within an hour, the
        machine joins as this instance, once. The same call with the same key answers the same id until then. Without a key
        it joins with what CreateJoinToken makes for the instance.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("RegisterInstance", OPSWORKS, {"StackId": stack_id, "Hostname": hostname, "PublicIp": public_ip, "PrivateIp": private_ip, "RsaPublicKey": rsa_public_key, "RsaPublicKeyFingerprint": rsa_public_key_fingerprint, "InstanceIdentity": instance_identity}, RegisterInstanceResult, reads=False)

    def unassign_instance(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Take a registered machine out of all its layers: their Shutdown recipes run, and it is `registered` again.

        The machine runs on. The others hear of it by Configure if it was online.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UnassignInstance", OPSWORKS, {"InstanceId": instance_id}, reads=False)
