"""Check the buckets of a use case: Region, owner, encryption, public access, TLS, life-cycle rules, and environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from include.distill.account_check.findings import Finding, missing, ok, warning
from include.distill.account_check.needs import Arns
from include.distill.account_check.reader import BucketReader, attempt
from include.distill.config.layout import Layout
from include.distill.config.root_owner import foreign_root_problem
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, NotFoundError, RefusedError

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket_names(use_case: UseCase) -> list[str]:
    """Return the buckets of a use case, each once."""
    return list(dict.fromkeys((use_case.storage.training_bucket, use_case.storage.output_bucket)))


def place_problem(store: BucketReader, use_case: UseCase, bucket: str) -> str | None:
    """Return why a run cannot use a bucket: it does not exist, is in another Region, or access is refused."""
    try:
        return store.ensure_bucket(bucket, region=use_case.aws.region, create=False)
    except RefusedError as error:
        return str(error)


def place_finding(use_case: UseCase, bucket: str, problem: str | None, *, exists: bool) -> Finding:
    """Return whether a bucket exists in the use case's Region and belongs to the right account."""
    check = f"bucket {bucket}"
    if problem is None:
        return ok(check, f"in {use_case.aws.region}")
    if exists:
        return missing(check, problem)
    region = use_case.aws.region
    place = "" if region == "us-east-1" else f" --create-bucket-configuration LocationConstraint={region}"
    command = f"aws s3api create-bucket --bucket {bucket} --region {region}{place}"
    if use_case.storage.create_buckets:
        detail = (
            "The bucket does not exist. The first run creates it, but without a policy, life-cycle rules and a KMS key."
            " The stack of deploy/cloudformation creates it with them"
        )
        return warning(check, detail, command)
    return missing(check, f"{problem}. The stack of deploy/cloudformation creates it too", command)


def setting_findings(store: BucketReader, use_case: UseCase, bucket: str) -> Iterator[Finding]:
    """Yield the findings about the settings of a bucket. A run does not fail on them."""
    checks: Sequence[tuple[str, str, Callable[[str], Finding]]] = (
        ("encryption", "s3:GetEncryptionConfiguration", partial(_encryption, store, bucket)),
        ("public access", "s3:GetBucketPublicAccessBlock", partial(_public_access, store, bucket)),
        ("TLS only", "s3:GetBucketPolicy", partial(_tls, store, use_case, bucket)),
        ("life-cycle rules", "s3:GetLifecycleConfiguration", partial(_rules, store, use_case, bucket)),
    )
    for name, action, find in checks:
        check = f"bucket {bucket}: {name}"
        try:
            yield attempt(check, action, partial(find, check))
        except NotFoundError as error:  # someone deleted the bucket in the meantime
            yield missing(check, str(error))


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
    return missing(check, problem, "DISTILL_PREFIX=<another prefix>") if problem else ok(check)


def _encryption(store: BucketReader, bucket: str, check: str) -> Finding:
    found = store.encryption(bucket)
    if found is None:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        configuration = json.dumps({"Rules": [rule]})
        command = f"aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration"
        return warning(check, "The bucket states no default encryption", f"{command} '{configuration}'")
    algorithm, key = found
    return ok(check, f"{algorithm} {key}".strip())


def _public_access(store: BucketReader, bucket: str, check: str) -> Finding:
    found = store.public_access_block(bucket)
    open_ = [name for name in _BLOCKS if not found.get(name)]
    if not open_:
        return ok(check, "blocked")
    values = ",".join(f"{name}=true" for name in _BLOCKS)
    command = f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {values}"
    return warning(check, f"Public access is not blocked: {', '.join(open_)} is not set", command)


def _tls(store: BucketReader, use_case: UseCase, bucket: str, check: str) -> Finding:
    statements = store.policy(bucket).get("Statement", [])
    listed = [statements] if isinstance(statements, Mapping) else list(statements)
    if any(_denies_http(statement) for statement in listed):
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
    wanted = {"removes parts of failed uploads": any("AbortIncompleteMultipartUpload" in rule for rule in rules)}
    if bucket == storage.training_bucket:
        folder = f"{storage.prefix}/runs/"
        wanted[f"deletes old objects below {folder}"] = any(_expires(rule, folder) for rule in rules)
    lacking = [name for name, is_there in wanted.items() if not is_there]
    if not lacking:
        return ok(check, f"{len(rules)} rules")
    uploads = {
        "ID": "uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{storage.prefix}/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    runs = {
        "ID": "runs",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{storage.prefix}/runs/"},
        "Expiration": {"Days": 90},
    }
    added = [rule for rule, words in ((uploads, "removes"), (runs, "deletes")) if any(words in one for one in lacking)]
    detail = (
        f"No life-cycle rule of the bucket {' or '.join(lacking)}. Add the rules to those of the bucket, or set"
        " RunsRetentionDays in the stack of deploy/cloudformation"
    )
    return warning(check, detail, json.dumps(added))


def _expires(rule: Mapping[str, Any], folder: str) -> bool:
    scope = rule.get("Filter") or {}
    prefix = scope.get("Prefix") or (scope.get("And") or {}).get("Prefix") or rule.get("Prefix") or ""
    return "Expiration" in rule and folder.startswith(prefix)
