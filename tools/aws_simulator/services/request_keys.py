"""Say which keys for the conditions of policies describe what a request to IAM or STS states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.aws_simulator.access.conditions import Context

# The condition keys of arguments:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
_KEYS = {
    "ExternalId": "sts:ExternalId",
    "PermissionsBoundary": "iam:PermissionsBoundary",
    "RoleSessionName": "sts:RoleSessionName",
}


def request_keys(arguments: Mapping[str, Any]) -> Context:
    """Return the condition keys of the tags and the other arguments of a request."""
    tags: Sequence[Mapping[str, str]] = arguments.get("Tags", [])
    names = [tag["Key"] for tag in tags] or arguments.get("TagKeys", [])
    return {
        **{f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags},
        **({"aws:TagKeys": names} if names else {}),
        **{key: arguments[name] for name, key in _KEYS.items() if name in arguments},
    }
