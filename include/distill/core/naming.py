r"""
Make deterministic resource names that follow AWS's naming rules.

The name of a Bedrock resource identifies what was bought (``docs/explanation/architecture.md``). A name is made from
content or from the run, never from the time or from a task's attempt number. Every process therefore computes the same
name and finds the same resource.

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
    """Return the hex sha256 of a JSON value; the order of keys makes no difference."""
    return content_hash(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def slug(text: str, *, limit: int) -> str:
    """Convert ``text`` to lower-case letters, digits and single hyphens, at most ``limit`` characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:limit].strip("-")


def run_key(dag_id: str, run_id: str) -> str:
    """Make a name for a DAG run that is valid in S3 URIs and Bedrock names: a readable prefix and 8 hex digits."""
    readable = slug(run_id.replace("__", "-"), limit=24) or "run"
    return f"{readable}-{digest(dag_id, run_id)[:8]}"


def job_name(use_case: str, arm: str, fingerprint: str, attempt: int) -> str:
    """Make the name of a training job and of its model.

    :param fingerprint: hash of everything that determines the trained model.
    :param attempt: number of the attempt, from 1; the name of the first attempt has no suffix.
    """
    base = f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{fingerprint[:12]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def batch_name(use_case: str, step: str, sha256: str, attempt: int) -> str:
    """Make the name of a batch job.

    :param sha256: hash of the keys of the job's questions.
    :param attempt: number of the attempt, from 1; the name of the first attempt has no suffix.
    """
    base = f"{slug(use_case, limit=24)}-{slug(step, limit=12)}-{sha256[:16]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def throughput_name(use_case: str, arm: str, run_key: str, ordinal: int) -> str:
    """Make the name of the provisioned throughput that a run buys for an arm; the first has ``ordinal`` 1."""
    return f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{run_key[-8:]}-s{ordinal}"


def request_token(name: str) -> str:
    """Make the ``clientRequestToken`` of a purchase; the same name always gives the same token."""
    return content_hash(name.encode())
