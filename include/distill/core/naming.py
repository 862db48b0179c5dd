r"""
Make deterministic resource names that satisfy AWS's naming rules.

A Bedrock name is the identity of what was bought (``docs/explanation/architecture.md``). It is derived from content or
run, never from a clock or a try number, so that every process that looks for a resource finds the same one.
Limits: 63 characters; job names ``[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*``, model and throughput names
``([0-9a-zA-Z][_-]?){1,63}`` (botocore's ``bedrock`` service model): letters, digits and single hyphens fit all.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any


def digest(*parts: str) -> str:
    """Return the hex sha256 of ``parts``; which part a character belongs to matters."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def content_hash(body: bytes) -> str:
    """Return the hex sha256 of ``body``."""
    return hashlib.sha256(body).hexdigest()


def canonical_hash(value: Any) -> str:
    """Return the hex sha256 of a JSON value, whatever the order of its keys."""
    return content_hash(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def slug(text: str, *, limit: int) -> str:
    """Return ``text`` as lower-case letters, digits and single hyphens, at most ``limit`` characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:limit].strip("-")


def run_key(dag_id: str, run_id: str) -> str:
    """Return a name for a DAG run that is legal in S3 URIs and Bedrock names: readable prefix, 8 hex digits."""
    readable = slug(run_id.replace("__", "-"), limit=24) or "run"
    return f"{readable}-{digest(dag_id, run_id)[:8]}"


def job_name(use_case: str, arm: str, fingerprint: str, attempt: int) -> str:
    """Return the name of the ``attempt``-th (from 1) training job of ``fingerprint``; also its model's name."""
    base = f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{fingerprint[:12]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def batch_name(use_case: str, step: str, sha256: str, attempt: int) -> str:
    """Return the name of the ``attempt``-th (from 1) batch job of the questions whose keys hash to ``sha256``."""
    base = f"{slug(use_case, limit=24)}-{slug(step, limit=12)}-{sha256[:16]}"
    return base if attempt == 1 else f"{base}-a{attempt}"


def throughput_name(use_case: str, arm: str, run_key: str, ordinal: int) -> str:
    """Return the name of the ``ordinal``-th (from 1) throughput that a run buys for an arm."""
    return f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{run_key[-8:]}-s{ordinal}"


def request_token(name: str) -> str:
    """Return the ``clientRequestToken`` of a purchase: the same name always sends the same token."""
    return content_hash(name.encode())
