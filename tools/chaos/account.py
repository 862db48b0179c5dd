"""Control the simulated account: fault rules, the ledger, and AWS calls that the pipeline does not make."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"
SECONDS = 15.0
# The parts of the ledger that list jobs. An earlier simulator lacks the last two.
JOBS = ("jobs", "batch_jobs", "evaluation_jobs", "optimization_jobs")


class Account:
    """
    The account of one AWS simulator.

    :param url: address on which the simulator listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # The simulator listens on loopback, so these requests must not go through a proxy from the environment.
        self._client = httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)

    def is_open(self) -> bool:
        """Return whether the simulator answers; never raises."""
        try:
            self._call("GET", "/_admin/health")
        except httpx.HTTPError:
            return False
        return True

    def change_settings(self, **settings: float) -> None:
        """Change the simulator's settings."""
        self._call("PUT", "/_admin/settings", settings)

    def add_fault(self, **rule: Any) -> None:
        """Add a fault rule."""
        self._call("POST", "/_admin/faults", [rule])

    def end_stalls(self, match: str) -> None:
        """Resume the stalled jobs, throughputs and deployments whose names contain ``match``."""
        self._call("DELETE", f"/_admin/stalls?match={match}")

    def fired(self, match: str, operation: str, kind: str | None = None) -> int:
        """
        Return how many times the fault rules with this ``match`` have fired for an operation.

        :param kind: count only the rules of this kind.
        """
        rules = self._call("GET", "/_admin/faults")
        matching = [rule for rule in rules if (rule["match"], rule["operation"]) == (match, operation)]
        return sum(rule["fired"] for rule in matching if kind in (None, rule["kind"]))

    def fired_by_rule(self) -> dict[tuple[str, str], int]:
        """Return how many times the fault rules with each match and operation have fired."""
        fired: Counter[tuple[str, str]] = Counter()
        for rule in self._call("GET", "/_admin/faults"):
            fired[rule["match"], rule["operation"]] += rule["fired"]
        return fired

    def ledger(self) -> dict[str, Any]:
        """Return the ledger: everything that was billed."""
        return dict(self._call("GET", "/_admin/ledger"))

    def reset_counts(self) -> None:
        """Reset the counts of calls and requests; keep jobs, models and endpoints."""
        self._call("POST", "/_admin/ledger/reset")

    def stop_job(self, arn: str) -> None:
        """Stop a customization job, as a person would in the console."""
        self._call("POST", f"/model-customization-jobs/{arn.replace('/', '%2F')}/stop")

    def buy_foreign_throughput(self, name: str) -> str:
        """Buy a throughput that does not belong to the project, and return its ARN."""
        body = {"provisionedModelName": name, "modelId": "amazon.nova-micro-v1:0:128k", "modelUnits": 1}
        return str(self._call("POST", "/provisioned-model-throughput", body)["provisionedModelArn"])

    def delete_throughput(self, name: str) -> None:
        """Delete a throughput."""
        self._call("DELETE", f"/provisioned-model-throughput/{name}")

    def create_foreign_deployment(self, name: str, model_arn: str) -> None:
        """Deploy a custom model under a name that does not belong to the project."""
        body = {"modelDeploymentName": name, "modelArn": model_arn}
        self._call("POST", "/model-customization/custom-model-deployments", body)

    def delete_deployment(self, name: str) -> None:
        """Delete a deployment."""
        self._call("DELETE", f"/model-customization/custom-model-deployments/{name}")

    def deployment(self, arn: str) -> dict[str, Any]:
        """Return a deployment as Bedrock describes it."""
        path = f"/model-customization/custom-model-deployments/{quote(arn, safe='')}"
        return dict(self._call("GET", path))

    def converse(self, model_id: str, text: str) -> str:
        """Ask a model, as an application does, and return its answer."""
        body = {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 64}}
        answer = self._call("POST", f"/model/{quote(model_id, safe='')}/converse", body)
        return str(answer["output"]["message"]["content"][0]["text"])

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        listed = self._call("POST", "/listTagsForResource", {"resourceARN": arn})
        return {tag["key"]: tag["value"] for tag in listed["tags"]}

    def read_object(self, uri: str) -> bytes:
        """Read an object from the simulated S3."""
        return self._s3("GET", f"/{uri.removeprefix('s3://')}")

    def create_bucket(self, name: str) -> None:
        """Create a bucket in the simulated S3 unless it exists."""
        self._s3("PUT", f"/{name}", b"")

    def write_object(self, uri: str, body: bytes) -> None:
        """Write an object to the simulated S3."""
        self._s3("PUT", f"/{uri.removeprefix('s3://')}", body)

    def _s3(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": SIGNED.replace("/bedrock/", "/s3/"), "Content-Type": "application/octet-stream"}
        return self._client.request(method, path, content=body, headers=headers).raise_for_status().content

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {} if path.startswith("/_admin") else {"Authorization": SIGNED}
        response = self._client.request(method, path, json=body, headers=headers).raise_for_status()
        return response.json() if response.content else {}


def purchases(ledger: Mapping[str, Any], part: str) -> dict[str, Any]:
    """
    Return the jobs and endpoints whose names contain ``part``, and the number of endpoints that still exist.

    An endpoint is a throughput or a deployment.

    The standing endpoint of a champion outlives the runs. Its name contains ``champion`` in place of an arm.

    Only a match at the start of a name or after a hyphen counts, because the names that the pipeline gives begin with
    the name of the environment and a hyphen.

    All kinds of jobs are counted together, because a case buys only one of these kinds.
    """
    all_jobs = [job for kind in JOBS for job in ledger.get(kind, ())]
    jobs = [job for job in all_jobs if f"-{part}" in f"-{job['name']}"]
    throughputs, deployments = (
        [endpoint for endpoint in ledger[kind] if f"-{part}" in f"-{endpoint['name']}"]
        for kind in ("throughputs", "deployments")
    )
    alive = sum(endpoint["alive"] for endpoint in (*throughputs, *deployments))
    return {"jobs": jobs, "throughputs": throughputs, "deployments": deployments, "alive": alive}


def paid_again(ledger: Mapping[str, Any], documents: Sequence[str]) -> int:
    """Count the repeated model calls: for each document, all calls after the first."""
    keys = {hashlib.sha256(document.encode()).hexdigest()[:16] for document in documents}
    return sum(max(0, calls - 1) for document, calls in ledger["by_document"].items() if document in keys)
