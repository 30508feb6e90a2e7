"""The real OpsWorks client pages through clusters: its own options over our tokens (chapter 09 § 9)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.needs import needs_that
from tests.server.http.aws import aws_client
from toque_server.operations.context import Services

pytestmark = [
    pytest.mark.aws,
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]

ARNS = [f"arn:aws:ecs:eu-west-1:123456789012:cluster/c{number}" for number in range(3)]
Clusters = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clusters(services: Services) -> Iterator[Clusters]:
    """`aws opsworks describe-ecs-clusters …` with three clusters there."""
    with aws_client(services) as aws:
        for arn in ARNS:
            aws.root("RegisterEcsCluster", StackId=aws.root.stack(), EcsClusterArn=arn)
        yield lambda *words: aws.ran("describe-ecs-clusters", "--ecs-cluster-arns", *ARNS, *words)


def test_09_24_page_size_max_items_and_a_bad_token(clusters: Clusters) -> None:
    whole = json.loads(clusters("--page-size", "1").stdout)
    assert [each["EcsClusterArn"] for each in whole["EcsClusters"]] == ARNS
    assert "NextToken" not in whole

    first = json.loads(clusters("--max-items", "1", "--page-size", "1").stdout)
    assert [each["EcsClusterName"] for each in first["EcsClusters"]] == ["c0"]
    rest = json.loads(clusters("--starting-token", first["NextToken"]).stdout)
    assert [each["EcsClusterName"] for each in rest["EcsClusters"]] == ["c1", "c2"]

    bad = clusters("--next-token", "nonsense")
    assert bad.returncode == 255
    assert "(ValidationException)" in bad.stderr
    assert "NextToken is not one that this server gave" in bad.stderr
