"""Check that Bedrock may assume the role of the jobs, for each kind of job that a use case buys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from include.distill.account_check.findings import Finding, missing, not_checked, ok, warning
from include.distill.account_check.needed_actions import job_types
from include.distill.account_check.needs import Arns
from include.distill.account_check.reader import PolicySimulator, RoleFacts, attempt, listed
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError

_STACK = "deploy/cloudformation/bedrock-distill.yaml"
_SERVICE = "bedrock.amazonaws.com"
_JOB_ID = "amazon.nova-micro-v1:0:128k.check/account"  # an id as in the ARN of a job
_EXACT = ("StringEquals", "StringEqualsIgnoreCase")
_PATTERNS = ("StringLike", "ArnLike", "ArnEquals")


def trust_findings(reader: PolicySimulator, use_case: UseCase) -> Iterator[Finding]:
    """Yield whether the role of ``aws.role_arn`` exists, and whether Bedrock may assume it for each kind of job."""
    arn = use_case.aws.role_arn
    check = f"role {arn}"
    kinds = job_types(use_case)
    if not kinds:
        return
    try:
        role = attempt(check, "iam:GetRole", lambda: reader.role(arn.rsplit("/", 1)[1]))
    except NotFoundError:
        yield missing(check, f"The role does not exist, so Bedrock accepts no job. {_STACK} makes it", _line(use_case))
        yield _unread(arn)
        return
    if isinstance(role, Finding):
        yield role
        yield _unread(arn)
        return
    if role.arn != arn:
        yield missing(check, f"The role has the ARN {role.arn}", f"DISTILL_ROLE_ARN={role.arn}")
        yield _unread(arn)
        return
    yield from _trust(role, use_case, kinds)


def _unread(arn: str) -> Finding:
    return not_checked(f"trust of {arn}", f"See the row of role {arn}")


def role_of_stack(environment: str, account: str, partition: str) -> str:
    """Return the ARN of the role of jobs that the stack of an environment creates."""
    return f"arn:{partition}:iam::{account}:role/bedrock-distill-{environment}-jobs"


def _line(use_case: UseCase) -> str:
    """Return the variable that names the role of the stack or, if it does so already, the command for the stack."""
    arns, storage, environment = Arns.of(use_case), use_case.storage, use_case.environment
    role = role_of_stack(environment, arns.account, arns.partition)
    if use_case.aws.role_arn != role:
        return f"DISTILL_ROLE_ARN={role}"
    return (
        f"aws cloudformation deploy --region {use_case.aws.region} --stack-name bedrock-distill-{environment}"
        f" --template-file {_STACK} --capabilities CAPABILITY_NAMED_IAM --parameter-overrides"
        f" Environment={environment} Prefix={storage.prefix} TrainingBucketName={storage.training_bucket}"
        f" OutputBucketName={storage.output_bucket}"
    )


def _trust(role: RoleFacts, use_case: UseCase, kinds: Mapping[str, str]) -> Iterator[Finding]:
    arns = Arns.of(use_case)
    statements = [one for one in listed(role.trust.get("Statement")) if _is_for_bedrock(one)]
    for kind, resource_type in kinds.items():
        check = f"trust of {role.arn} for {kind} jobs"
        job = arns.any(resource_type).replace("*", _JOB_ID)
        keys = {"aws:sourceaccount": arns.account, "aws:sourcearn": job}
        if any(one.get("Effect") == "Deny" and _holds(one, keys) for one in statements):
            yield missing(check, "A statement of the trust policy denies this. Remove the statement")
        elif any(one.get("Effect") == "Allow" and _holds(one, keys) for one in statements):
            yield ok(check)
        else:
            detail = f"Bedrock may not assume the role for the job {arns.any(resource_type)}"
            yield missing(check, detail, _statement(arns, kinds))
    allows = [one for one in statements if one.get("Effect") == "Allow"]
    if any(not _names_account(one) for one in allows):
        detail = "Bedrock may assume the role for jobs of other accounts, because no condition names this account"
        yield warning(f"trust of {role.arn}", detail, _statement(arns, kinds))


def _statement(arns: Arns, kinds: Mapping[str, str]) -> str:
    condition = {
        "StringEquals": {"aws:SourceAccount": arns.account},
        "ArnLike": {"aws:SourceArn": [arns.any(resource_type) for resource_type in kinds.values()]},
    }
    principal = {"Service": _SERVICE}
    return json.dumps({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition})


def _is_for_bedrock(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = listed(principal.get("Service")) if isinstance(principal, Mapping) else listed(principal)
    actions = [str(action).lower() for action in listed(statement.get("Action"))]
    is_assumed = any(fnmatchcase("sts:assumerole", action) for action in actions)
    return is_assumed and any(service in (_SERVICE, "*") for service in services)


def _names_account(statement: Mapping[str, Any]) -> bool:
    keys = {key.lower() for tests in statement.get("Condition", {}).values() for key in tests}
    return bool(keys & {"aws:sourceaccount", "aws:sourcearn"})


def _holds(statement: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    """Return whether the conditions of a statement hold. A condition of another kind is taken to hold."""
    for operator, tests in statement.get("Condition", {}).items():
        for key, values in tests.items():
            actual = keys.get(key.lower())
            if actual is not None and not _passes(operator.removesuffix("IfExists"), actual, listed(values)):
                return False
    return True


def _passes(operator: str, actual: str, values: list[Any]) -> bool:
    if operator in _PATTERNS:
        return any(fnmatchcase(actual, str(value)) for value in values)
    if operator in _EXACT:
        return actual in map(str, values)
    return True
