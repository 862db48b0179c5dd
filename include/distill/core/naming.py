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
from typing import NamedTuple

_RUN_KEY = re.compile(r"[a-z0-9-]+-[0-9a-f]{32}")


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
    Return the id of the DAG that people use to label runs of a use case.

    The name of a use case contains no double underscore, so no use case has a pipeline DAG with this id. A permission
    for one of the two kinds of DAG is therefore never a permission for the other.
    """
    return f"distill_label__{use_case}"


def run_key(dag_id: str, run_id: str) -> str:
    """Make a name for a DAG run: a readable prefix and 32 hex digits. It is valid in S3 URIs and Bedrock tags."""
    return f"{_readable_run(run_id)}-{digest(dag_id, run_id)[:32]}"


def former_run_key(key: str) -> str | None:
    """
    Return the run key with 8 hex digits that earlier versions made for the same run.

    :return: ``None`` if ``key`` itself is a key of an earlier version.
    """
    return key[: -(32 - 8)] if _RUN_KEY.fullmatch(key) else None


def _readable_run(run_id: str) -> str:
    return slug(run_id.replace("__", "-"), limit=24) or "run"


class Names(NamedTuple):
    """
    The name under which a resource is bought, and the name that version 0.1 of this pipeline used.

    ``former`` is ``None`` if version 0.1 cannot have bought the resource.
    """

    name: str
    former: str | None


def job_names(environment: str, use_case: str, arm: str, fingerprint: str, attempt: int) -> Names:
    """Make the names that a training job and its model share.

    :param fingerprint: hash of everything that determines the trained model.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    suffix = "" if attempt == 1 else f"-a{attempt}"
    former = f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{fingerprint[:12]}"
    return Names(f"{_name(environment, use_case, arm, fingerprint)}{suffix}", f"{former}{suffix}")


def batch_names(environment: str, use_case: str, step: str, sha256: str, attempt: int) -> Names:
    """Make the names of a batch job.

    :param sha256: hash of the model and of the answer-store keys of the job's requests.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    suffix = "" if attempt == 1 else f"-a{attempt}"
    former = f"{slug(use_case, limit=24)}-{slug(step, limit=12)}-{sha256[:16]}"
    return Names(f"{_name(environment, use_case, step, sha256)}{suffix}", f"{former}{suffix}")


def evaluation_name(environment: str, use_case: str, part: str, evaluator: str, fingerprint: str, attempt: int) -> str:
    """Make the name of an evaluation job. Bedrock accepts only lower-case letters, digits and hyphens.

    :param part: what is evaluated, such as an arm.
    :param evaluator: who evaluates it.
    :param fingerprint: hash of everything that determines the scores.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    suffix = "" if attempt == 1 else f"-a{attempt}"
    return f"{_name(environment, use_case, f'{part}-{evaluator}', fingerprint)}{suffix}"


def optimization_name(environment: str, use_case: str, arm: str, fingerprint: str, attempt: int) -> str:
    """Make the name of a prompt optimization job.

    :param fingerprint: hash of everything that determines the optimized prompt.
    :param attempt: number of the attempt, starting at 1. The name of the first attempt has no suffix.
    """
    suffix = "" if attempt == 1 else f"-a{attempt}"
    return f"{_name(environment, use_case, arm, fingerprint)}{suffix}"


def throughput_names(environment: str, use_case: str, arm: str, run_key: str, ordinal: int) -> Names:
    """Make the names of a provisioned throughput that a run buys for an arm.

    The former name is ``None`` if ``run_key`` does not have the form of version 0.1. In this case, version 0.1 cannot
    have bought the throughput.

    :param ordinal: number of the throughput among the arm's throughputs in this run, starting at 1.
    """
    name = f"{_name(environment, use_case, arm, run_key)}-s{ordinal}"
    if former_run_key(run_key) is not None:
        return Names(name, None)
    return Names(name, f"{slug(use_case, limit=24)}-{slug(arm, limit=16)}-{run_key[-8:]}-s{ordinal}")


def standing_endpoint_name(environment: str, use_case: str) -> str:
    """
    Make the name of a use case's standing endpoint, which is a deployment or a provisioned throughput.

    It has no number and ends in a hash, so no endpoint of an arm has this name.
    """
    return _name(environment, use_case, "champion", "standing")


def is_standing_endpoint_name(name: str) -> bool:
    """Return whether a name has the form of a standing endpoint's name, whatever its environment and use case."""
    return re.search(r"-champion-[0-9a-f]{16}$", name) is not None


def is_former_job_name(name: str, fingerprint: str) -> bool:
    """Return whether ``name`` is what version 0.1 called the job with this fingerprint."""
    return re.search(rf"-{fingerprint[:12]}(-a\d+)?$", name) is not None


def is_former_throughput_name(name: str, run_key: str) -> bool:
    """Return whether ``name`` is what version 0.1 called a throughput of this run."""
    return former_run_key(run_key) is None and re.search(rf"-{re.escape(run_key[-8:])}-s\d+$", name) is not None


def _name(environment: str, use_case: str, part: str, identity: str) -> str:
    """Make a name with readable parts, which may be cut, and a hash of the uncut parts, so that names never collide."""
    readable = f"{slug(environment, limit=10)}-{slug(use_case, limit=16)}-{slug(part, limit=12)}"
    return f"{readable}-{digest(environment, use_case, part, identity)[:16]}"


def request_token(name: str) -> str:
    """Make the ``clientRequestToken`` for the purchase of a resource. The same name always gives the same token."""
    return content_hash(name.encode())


def change_token(name: str, number: int, model_arn: str) -> str:
    """
    Make the ``clientRequestToken`` for a change that creates a use case's standing endpoint.

    Every attempt of the same change sends the same token. The token of an earlier change would not work: AWS ignores a
    request with a repeated token, even after the endpoint was deleted, so the endpoint would never be created again.

    :param name: name of the endpoint.
    :param number: number of the change. Each change of the use case's endpoint has a higher number than the last.
    """
    return digest(name, str(number), model_arn)
