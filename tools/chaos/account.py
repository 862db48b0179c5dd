"""The simulated account as the crash table uses it: fault rules, the ledger, and a few calls that nobody tags."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"
SECONDS = 15.0


class Account:
    """
    One AWS simulator.

    :param url: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_open(self) -> bool:
        """Tell whether it answers; never raises."""
        try:
            self._call("GET", "/_admin/health")
        except OSError:
            return False
        return True

    def settle(self, **settings: float) -> None:
        """Change the AWS simulator's settings."""
        self._call("PUT", "/_admin/settings", settings)

    def fail(self, **rule: Any) -> None:
        """Add a fault rule."""
        self._call("POST", "/_admin/faults", [rule])

    def end_stalls(self, match: str) -> None:
        """Let the stalled jobs and throughputs go on whose names contain ``match``."""
        self._call("DELETE", f"/_admin/stalls?match={match}")

    def fired(self, match: str, operation: str) -> int:
        """Count how often the rules on an operation with this ``match`` have fired."""
        rules = self._call("GET", "/_admin/faults")
        return sum(rule["fired"] for rule in rules if (rule["match"], rule["operation"]) == (match, operation))

    def ledger(self) -> dict[str, Any]:
        """Read everything that was billed."""
        return dict(self._call("GET", "/_admin/ledger"))

    def reset_counts(self) -> None:
        """Forget calls and requests; jobs, models and throughputs stay."""
        self._call("POST", "/_admin/ledger/reset")

    def stop_job(self, arn: str) -> None:
        """Stop a customization job, as from the console."""
        self._call("POST", f"/model-customization-jobs/{arn.replace('/', '%2F')}/stop")

    def buy_foreign_throughput(self, name: str) -> str:
        """Buy a throughput that is none of the project's, and return its ARN."""
        body = {"provisionedModelName": name, "modelId": "amazon.nova-micro-v1:0:128k", "modelUnits": 1}
        return str(self._call("POST", "/provisioned-model-throughput", body)["provisionedModelArn"])

    def delete_throughput(self, name: str) -> None:
        """Delete a throughput."""
        self._call("DELETE", f"/provisioned-model-throughput/{name}")

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        found = self._call("POST", "/listTagsForResource", {"resourceARN": arn})
        return {tag["key"]: tag["value"] for tag in found["tags"]}

    def read_object(self, uri: str) -> bytes:
        """Return an object of the simulated S3."""
        return self._s3("GET", f"/{uri.removeprefix('s3://')}")

    def create_bucket(self, name: str) -> None:
        """Create a bucket of the simulated S3; one that is there is left."""
        self._s3("PUT", f"/{name}", b"")

    def write_object(self, uri: str, body: bytes) -> None:
        """Write an object of the simulated S3."""
        self._s3("PUT", f"/{uri.removeprefix('s3://')}", body)

    def _s3(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": SIGNED.replace("/bedrock/", "/s3/"), "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310 http
        with self._opener.open(request, timeout=SECONDS) as answer:
            return bytes(answer.read())

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"} | (
            {} if path.startswith("/_admin") else {"Authorization": SIGNED}
        )
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310 http
        with self._opener.open(request, timeout=SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content else {}


def purchases(ledger: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the jobs and throughputs whose names begin with ``prefix``, and how many throughputs are alive.

    Jobs are of training and of batch; a case buys one kind.
    """
    jobs = [job for job in (*ledger["jobs"], *ledger["batch_jobs"]) if job["name"].startswith(prefix)]
    throughputs = [bought for bought in ledger["throughputs"] if bought["name"].startswith(prefix)]
    return {"jobs": jobs, "throughputs": throughputs, "alive": sum(bought["alive"] for bought in throughputs)}


def paid_again(ledger: Mapping[str, Any], documents: Sequence[str]) -> int:
    """Count the calls beyond the first on each document."""
    keys = {hashlib.sha256(document.encode()).hexdigest()[:16] for document in documents}
    return sum(max(0, calls - 1) for document, calls in ledger["by_document"].items() if document in keys)
