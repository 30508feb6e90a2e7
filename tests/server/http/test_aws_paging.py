"""The real OpsWorks client pages through clusters: its own options over our tokens (chapter 09 § 9)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.needs import needs_that
from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services

pytestmark = [
    pytest.mark.aws,
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]

ARNS = [f"arn:aws:ecs:eu-west-1:123456789012:cluster/c{number}" for number in range(3)]
Aws = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def aws(services: Services) -> Iterator[Aws]:
    """`aws opsworks describe-ecs-clusters …` with three clusters there."""
    made = first_administrator(services)
    root = Caller(services)
    for arn in ARNS:
        root("RegisterEcsCluster", StackId=root.stack(), EcsClusterArn=arn)
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "xx-custom-9",
        "AWS_ACCESS_KEY_ID": made["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": made["secret_access_key"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def ran(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [os.environ["TOQUE_AWS"], "opsworks", "describe-ecs-clusters", "--ecs-cluster-arns", *ARNS, *words]
        return subprocess.run(
            argv, capture_output=True, text=True, env=environment | endpoint, timeout=120, check=False
        )

    with served(services) as url:
        endpoint = {"AWS_ENDPOINT_URL_OPSWORKS": url}
        yield ran


def test_09_24_page_size_max_items_and_a_bad_token(aws: Aws) -> None:
    whole = json.loads(aws("--page-size", "1").stdout)
    assert [each["EcsClusterArn"] for each in whole["EcsClusters"]] == ARNS
    assert "NextToken" not in whole

    first = json.loads(aws("--max-items", "1", "--page-size", "1").stdout)
    assert [each["EcsClusterName"] for each in first["EcsClusters"]] == ["c0"]
    rest = json.loads(aws("--starting-token", first["NextToken"]).stdout)
    assert [each["EcsClusterName"] for each in rest["EcsClusters"]] == ["c1", "c2"]

    bad = aws("--next-token", "nonsense")
    assert bad.returncode == 255
    assert "(ValidationException)" in bad.stderr
    assert "NextToken is not one that this server gave" in bad.stderr
