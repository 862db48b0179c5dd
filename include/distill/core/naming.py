r"""
Make deterministic resource names that follow AWS's naming rules.

The name of a Bedrock resource identifies what was bought (see ``docs/explanation/architecture.md``). A name is computed
from the data or from the run, never from the time or from a task's attempt number. Every process therefore computes the
same name and finds the same resource.

botocore's ``bedrock`` service model limits a name to 63 characters. Job names match
``[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*``; model and throughput names match ``([0-9a-zA-Z][_-]?){1,63}``. Letters, digits
and single hyphens satisfy both patterns.
"""

from __future__ import annotations

import hashlib
import json
import re


def digest(*parts: str) -> str:
    """Return the hex sha256 of several texts; ``("ab", "c")`` and ``("a", "bc")`` have different hashes."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def content_hash(body: bytes) -> str:
    """Return the hex sha256 of ``body``."""
    return hashlib.sha256(body).hexdigest()


def canonical_hash(value: object) -> str:
    """Return the hex sha256 of a JSON value. The order of the keys does not affect the hash."""
    return content_hash(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def slug(text: str, *, limit: int) -> str:
    """Convert ``text`` to lower-case letters, digits and single hyphens, with at most ``limit`` characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:limit].strip("-")


def label_dag_id(use_case: str) -> str:
    """
    Return the id of the DAG with which people label runs of a use case.

    The name of a use case contains no double underscore. So no use case has a pipeline DAG with this id, and the right
    to one DAG is never the right to the other.
    """
    return f"distill_label__{use_case}"


def run_key(dag_id: str, run_id: str) -> str:
    """Make a name for a DAG run: a readable prefix and 8 hex digits. The name is valid in S3 URIs and Bedrock names."""
    readable = slug(run_id.replace("__", "-"), limit=24) or "run"
    return f"{readable}-{digest(dag_id, run_id)[:8]}"


def job_name(use_case: str, arm: str, fingerprint: str, attempt: int) -> str:
    """Make the name that a training job and its model share.

    :param fingerprint: hash of everything that determines the trained model.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    base = f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{fingerprint[:12]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def batch_name(use_case: str, step: str, sha256: str, attempt: int) -> str:
    """Make the name of a batch job.

    :param sha256: hash of the model and of the answer-store keys of the job's requests.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    base = f"{slug(use_case, limit=24)}-{slug(step, limit=12)}-{sha256[:16]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def throughput_name(use_case: str, arm: str, run_key: str, ordinal: int) -> str:
    """Make the name of a provisioned throughput that a run buys for an arm. For the first one, ``ordinal`` is 1."""
    return f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{run_key[-8:]}-s{ordinal}"


def request_token(name: str) -> str:
    """Make the ``clientRequestToken`` for the purchase of a resource. The same name always gives the same token."""
    return content_hash(name.encode())
