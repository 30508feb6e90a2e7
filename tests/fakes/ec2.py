"""EC2 as moto plays it, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

REGION = "eu-west-1"


class Ec2:
    """One region, with the instances that a test wants."""

    def __init__(self, url: str) -> None:
        import boto3

        self.client = boto3.client("ec2", region_name=REGION, endpoint_url=url)
        self.image = self.client.describe_images()["Images"][0]["ImageId"]

    def run(self, name: str) -> dict[str, Any]:
        """An instance with this Name tag, as EC2 describes it."""
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
        made = self.client.run_instances(ImageId=self.image, MinCount=1, MaxCount=1, TagSpecifications=tags)
        described = self.client.describe_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])
        return dict(described["Reservations"][0]["Instances"][0])


@contextmanager
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ec2]:
    """The environment leads every client there until the block ends."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"http://{host}:{port}")
    try:
        # What another test of this process has started is still there.
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)
        yield Ec2(f"http://{host}:{port}")
    finally:
        server.stop()
