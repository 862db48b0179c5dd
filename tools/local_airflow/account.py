"""
Work with the simulated AWS account of this checkout: read its ledger, copy objects and delete endpoints.

The functions use boto3, as the pipeline does. ``enter_account`` ensures that boto3 reaches only the AWS simulator.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from include.distill.core.errors import DistillError
from tools.local_airflow.environment import aws_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.local_airflow.ports import Ports

ADMIN_SECONDS = 10.0


class SimulatorError(DistillError):
    """The AWS simulator did not answer a request, or answered with an error."""


def enter_account(ports: Ports) -> None:
    """Restrict boto3 in this process to the AWS simulator, regardless of the AWS settings in the environment."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO"))]:
        del os.environ[name]
    os.environ.update(aws_settings(ports))


def is_open(simulator_url: str) -> bool:
    """Return whether the AWS simulator responds; never raises."""
    try:
        _get(f"{simulator_url}/_admin/health")
    except SimulatorError:
        return False
    return True


def existing_endpoints(ledger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the endpoints that still exist: provisioned throughputs, which are billed by the hour, and deployments."""
    return [endpoint for kind in ("throughputs", "deployments") for endpoint in ledger[kind] if endpoint["alive"]]


def standing_endpoints(ledger: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of the endpoints that keep a champion callable. They do not belong to a run."""
    import boto3

    # `make down` also works without the installed packages, so these modules are imported only where they are needed.
    from include.distill.cleanup.ownership import ROLE_TAG, STANDING_ROLE

    standing = []
    for endpoint in existing_endpoints(ledger):
        arn = str(endpoint["arn"])
        tags = boto3.client("bedrock", region_name=arn.split(":")[3]).list_tags_for_resource(resourceARN=arn)["tags"]
        if {"key": ROLE_TAG, "value": STANDING_ROLE} in tags:
            standing.append(arn)
    return standing


def endpoints_of_runs(ledger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the endpoints that still exist, except the standing endpoints of champions."""
    standing = standing_endpoints(ledger)
    return [endpoint for endpoint in existing_endpoints(ledger) if endpoint["arn"] not in standing]


def give_back_endpoints(simulator_url: str) -> list[str]:
    """
    Delete the throughputs and deployments that an interrupted run left behind, and return their names.

    The standing endpoint of a champion is kept. Call this function only while no run is in progress. A run in progress
    still needs its endpoints.
    """
    import boto3

    given_back, ledger = [], read_ledger(simulator_url)
    for endpoint in endpoints_of_runs(ledger):
        arn = str(endpoint["arn"])
        bedrock = boto3.client("bedrock", region_name=arn.split(":")[3])
        if endpoint in ledger["deployments"]:
            bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        else:
            bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
        given_back.append(str(endpoint["name"]))
    return given_back


def download(uri: str, target: Path) -> None:
    """Copy an S3 object to a file. An existing file is replaced only when the copy is complete."""
    import boto3

    location = urlsplit(uri, allow_fragments=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".draft")
    boto3.client("s3").download_file(location.netloc, location.path.lstrip("/"), str(draft))
    draft.replace(target)


def list_objects(prefix: str) -> list[str]:
    """List the URIs of all S3 objects whose URI starts with ``prefix``, in alphabetical order."""
    import boto3

    location = urlsplit(prefix, allow_fragments=False)
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    return [
        f"s3://{location.netloc}/{entry['Key']}"
        for page in pages.paginate(Bucket=location.netloc, Prefix=location.path.lstrip("/"))
        for entry in page.get("Contents", ())
    ]


def read_object(uri: str) -> str:
    """Return the text of an S3 object."""
    import boto3

    location = urlsplit(uri, allow_fragments=False)
    body = boto3.client("s3").get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))["Body"]
    return str(body.read().decode("utf-8"))


def read_ledger(simulator_url: str) -> dict[str, Any]:
    """Read the AWS simulator's ledger: everything that was billed."""
    return _get(f"{simulator_url}/_admin/ledger")


def read_access(simulator_url: str) -> list[dict[str, Any]]:
    """Read which caller asked for which action on which resource since the start, and whether it was allowed."""
    entries: list[dict[str, Any]] = _send("GET", f"{simulator_url}/_admin/access")
    return entries


def human_tasks(simulator_url: str, job_arn: str) -> list[dict[str, Any]]:
    """Return the tasks of a human evaluation job that waits for answers; an empty list if it does not wait."""
    tasks: list[dict[str, Any]] = _send("GET", f"{simulator_url}/_admin/human_tasks?{urlencode({'job': job_arn})}")
    return tasks


def post_human_answers(simulator_url: str, job_arn: str, answers: Sequence[Mapping[str, Any]]) -> None:
    """Post answers of workers to a human evaluation job."""
    _send("POST", f"{simulator_url}/_admin/human_answers", {"job": job_arn, "answers": list(answers)})


def allow_worker_portal(bucket: str, region: str) -> bool:
    """
    Let the page of human workers read a bucket of the simulated account, as a person would do once on AWS.

    :return: False if the bucket does not exist.
    """
    import boto3

    rule = {
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["GET", "PUT", "POST", "DELETE"],
        "AllowedOrigins": ["*"],
        "ExposeHeaders": ["Access-Control-Allow-Origin"],
    }
    client = boto3.client("s3", region_name=region)
    try:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    except client.exceptions.NoSuchBucket:
        return False
    return True


def _get(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = _send("GET", url)
    return answer


def _send(method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
    import httpx

    try:
        # loopback needs no proxy
        response = httpx.request(method, url, json=body, timeout=ADMIN_SECONDS, trust_env=False)
        return response.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise SimulatorError(
            f"The AWS simulator did not answer {method} {url}: {error!r}. Its state is unchanged. "
            "Read aws-simulator.log, which is in the same folder as the other logs, before you try again."
        ) from None
