"""Check the buckets of a use case: Region, owner, encryption, public access, TLS, life-cycle rules, and environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from include.distill.account_check.findings import Finding, missing, ok, warning
from include.distill.account_check.keys import key_findings
from include.distill.account_check.needs import Arns
from include.distill.account_check.reader import AccountReader, BucketReader, attempt, listed
from include.distill.config.layout import Layout
from include.distill.config.root_owner import foreign_root_problem
from include.distill.config.use_case import UseCase
from include.distill.core.counted import counted
from include.distill.core.errors import ContractError, NotFoundError, RefusedError

# The settings of a bucket that are checked, as one row names them if they cannot be read.
SETTINGS = "encryption, public access, TLS only, life-cycle rules"
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True)
class Place:
    """What the check found about the place of a bucket: its Region and its account."""

    finding: Finding
    is_absent: bool = False


def place_of(store: BucketReader, use_case: UseCase, bucket: str) -> Place:
    """Return whether a bucket exists in the use case's Region and belongs to the right account."""
    check = f"bucket {bucket}"
    try:
        problem = attempt(check, "s3:ListBucket", partial(_place_problem, store, use_case, bucket))
    except NotFoundError as error:
        return Place(_absent(use_case, bucket, f"{error}"), is_absent=True)
    if isinstance(problem, Finding):
        return Place(problem)
    return Place(missing(check, problem) if problem else ok(check, f"in {use_case.aws.region}"))


def _place_problem(store: BucketReader, use_case: UseCase, bucket: str) -> str | None:
    try:
        return store.ensure_bucket(bucket, region=use_case.aws.region, create=False)
    except NotFoundError:
        raise
    except RefusedError as error:  # a run would be refused too
        return str(error)


def _absent(use_case: UseCase, bucket: str, problem: str) -> Finding:
    region = use_case.aws.region
    location = "" if region == "us-east-1" else f" --create-bucket-configuration LocationConstraint={region}"
    command = f"aws s3api create-bucket --bucket {bucket} --region {region}{location}"
    if use_case.storage.create_buckets:
        detail = (
            "The bucket does not exist. The first run creates it, but without a policy, life-cycle rules and a KMS key."
            " The stack of deploy/cloudformation creates it with them"
        )
        return warning(f"bucket {bucket}", detail, command)
    return missing(f"bucket {bucket}", f"{problem}. The stack of deploy/cloudformation creates it too", command)


def setting_findings(reader: AccountReader, store: BucketReader, use_case: UseCase, bucket: str) -> Iterator[Finding]:
    """Yield the findings about the settings of a bucket and about its key. A run does not fail on the settings."""
    checks: Sequence[tuple[str, str, Callable[[str], Finding]]] = (
        ("public access", "s3:GetBucketPublicAccessBlock", partial(_public_access, store, bucket)),
        ("TLS only", "s3:GetBucketPolicy", partial(_tls, store, use_case, bucket)),
        ("life-cycle rules", "s3:GetLifecycleConfiguration", partial(_rules, store, use_case, bucket)),
    )
    try:
        yield from _encryption(reader, store, bucket)
        for name, action, find in checks:
            check = f"bucket {bucket}: {name}"
            yield attempt(check, action, partial(find, check))
    except NotFoundError as error:  # someone deleted the bucket in the meantime
        yield missing(f"bucket {bucket}", str(error))


def owner_findings(store: BucketReader, use_case: UseCase) -> Iterator[Finding]:
    """Yield whether another environment owns a root of the use case, according to ``environment.json``."""
    for root in Layout(use_case.storage).roots:
        check = f"owner of {root}"
        yield attempt(check, "s3:GetObject", partial(_owner, store, use_case, root, check))


def _owner(store: BucketReader, use_case: UseCase, root: str, check: str) -> Finding:
    try:
        problem = foreign_root_problem(store, root, use_case.environment)
    except ContractError as error:  # preflight fails too, because the owner is unknown
        problem = str(error)
    other = f"DISTILL_PREFIX={use_case.storage.prefix}-{use_case.environment}  # and the parameter Prefix of the stack"
    return missing(check, problem, other) if problem else ok(check)


def _encryption(reader: AccountReader, store: BucketReader, bucket: str) -> Iterator[Finding]:
    check = f"bucket {bucket}: encryption"
    found = attempt(check, "s3:GetEncryptionConfiguration", partial(store.encryption, bucket))
    if isinstance(found, Finding):
        yield found
    elif found is None:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        configuration = json.dumps({"Rules": [rule]})
        command = f"aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration"
        yield warning(check, "The bucket states no default encryption", f"{command} '{configuration}'")
    else:
        algorithm, key = found
        yield ok(check, f"{algorithm} {key}".strip())
        yield from key_findings(reader, [key])


def _public_access(store: BucketReader, bucket: str, check: str) -> Finding:
    found = store.public_access_block(bucket)
    open_ = [name for name in _BLOCKS if not found.get(name)]
    if not open_:
        return ok(check, "blocked")
    values = ",".join(f"{name}=true" for name in _BLOCKS)
    command = f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {values}"
    return warning(check, f"Public access is not blocked: {', '.join(open_)} is not set", command)


def _tls(store: BucketReader, use_case: UseCase, bucket: str, check: str) -> Finding:
    if any(map(_denies_http, listed(store.policy(bucket).get("Statement")))):
        return ok(check, "requests without TLS are denied")
    arn = Arns.of(use_case).bucket(bucket)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    detail = "The policy of the bucket does not deny requests without TLS. Add this statement to it"
    return warning(check, detail, json.dumps(statement))


def _denies_http(statement: Mapping[str, Any]) -> bool:
    tested = statement.get("Condition", {}).get("Bool", {})
    value = next((value for key, value in tested.items() if key.lower() == "aws:securetransport"), None)
    return statement.get("Effect") == "Deny" and str(value).lower() == "false"


def _rules(store: BucketReader, use_case: UseCase, bucket: str, check: str) -> Finding:
    rules = store.lifecycle_rules(bucket)
    storage = use_case.storage
    folder = f"{storage.prefix}/runs/"
    uploads = {
        "ID": "uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{storage.prefix}/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    runs = {"ID": "runs", "Status": "Enabled", "Filter": {"Prefix": folder}, "Expiration": {"Days": 90}}
    lacking: list[tuple[str, dict[str, Any]]] = []
    if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
        lacking.append(("removes parts of failed uploads", uploads))
    if bucket == storage.training_bucket and not any(_expires(rule, folder) for rule in rules):
        lacking.append((f"deletes old objects below {folder}", runs))
    if not lacking:
        return ok(check, counted(len(rules), "rule"))
    detail = (
        f"No life-cycle rule of the bucket {' or '.join(purpose for purpose, _ in lacking)}. Add the rules to those of"
        " the bucket, or set RunsRetentionDays in the stack of deploy/cloudformation"
    )
    return warning(check, detail, json.dumps([rule for _, rule in lacking]))


def _expires(rule: Mapping[str, Any], folder: str) -> bool:
    scope = rule.get("Filter") or {}
    prefix = scope.get("Prefix") or (scope.get("And") or {}).get("Prefix") or rule.get("Prefix") or ""
    return "Expiration" in rule and folder.startswith(prefix)
