"""
The simulated AWS account of this checkout, as a local command looks into it: what is rented, what was
counted.

Uses boto3 like the pipeline does; ``enter_account`` has made sure that it reaches the AWS simulator only.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tools.local_airflow.environment import aws_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.local_airflow.settings import Ports

ADMIN_SECONDS = 10.0


def enter_account(ports: Ports) -> None:
    """Let boto3 in this process see the AWS simulator only, whatever account the person works with otherwise."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO"))]:
        del os.environ[name]
    os.environ.update(aws_settings(ports))


def is_open(simulator_url: str) -> bool:
    """Tell whether the AWS simulator answers; never raises."""
    try:
        _get(f"{simulator_url}/_admin/health")
    except (OSError, ValueError):
        return False
    return True


def rented_throughputs(ledger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the provisioned throughputs that exist, which is to say: are billed."""
    return [throughput for throughput in ledger["throughputs"] if throughput["alive"]]


def give_back_throughputs(simulator_url: str) -> list[str]:
    """
    Delete throughputs that an interrupted run left, and return their names.

    Call it while no Airflow of this checkout runs: then nobody can still want them.
    """
    import boto3

    given_back = []
    for throughput in rented_throughputs(read_ledger(simulator_url)):
        region = throughput["arn"].split(":")[3]
        bedrock = boto3.client("bedrock", region_name=region)
        bedrock.delete_provisioned_model_throughput(provisionedModelId=throughput["arn"])
        given_back.append(str(throughput["name"]))
    return given_back


def download(uri: str, target: Path) -> None:
    """Copy an object to a file, which is replaced whole or not at all."""
    import boto3

    where = urlsplit(uri, allow_fragments=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".draft")
    boto3.client("s3").download_file(where.netloc, where.path.lstrip("/"), str(draft))
    draft.replace(target)


def read_ledger(simulator_url: str) -> dict[str, Any]:
    """Read the AWS simulator's own count of everything billed."""
    return _get(f"{simulator_url}/_admin/ledger")


def _get(url: str) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=ADMIN_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
    return answer
