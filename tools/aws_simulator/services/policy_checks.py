"""
Check the policy documents of IAM requests beyond what moto checks.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html states the maximum sizes of policies.
https://github.com/hashicorp/terraform-provider-aws/issues/10419 quotes the error text about principals in permissions
policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from tools.aws_simulator.access.conditions import PolicyError, listed
from tools.aws_simulator.access.documents import VERSIONS, check_principals, read_document, statements
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service

_TRUST, _MANAGED, _INLINE = 2048, 6144, 10_240
_OWN_PRINCIPALS = (f"arn:aws:iam::{ACCOUNT_ID}:role/", f"arn:aws:iam::{ACCOUNT_ID}:user/")
# Permissions of STS that are not operations are listed in
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
_ONLY_ACTIONS = ("GetServiceBearerToken", "SetContext", "SetSourceIdentity", "TagSession")


def check_trust(text: str, roles: Collection[str]) -> None:
    """Check a trust policy. Its ``Version`` may be missing, or may be the old version 2008-10-17.

    :param roles: the ARNs of the roles of the account, which has no users.
    :raises ServiceError: IAM does not accept the policy.
    """
    if len(text) > _TRUST:
        raise ServiceError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST}", 409)
    try:
        document = read_document(text)
        IAMTrustPolicyDocumentValidator(_as_moto_expects(document)).validate()
        for statement in statements(document):
            check_principals(statement)
            _check_existing_principals(statement, roles)
            _check_allowed_principals(statement)
            _check_sid(statement)
    except MalformedPolicyDocument as error:
        raise ServiceError("MalformedPolicyDocument", str(error.message)) from None
    except PolicyError as error:
        raise ServiceError("MalformedPolicyDocument", str(error)) from None


def _as_moto_expects(document: dict[str, Any]) -> str:
    """Return a trust policy with the newer version, and with STS's own capitalization of its actions.

    IAM ignores the capitalization of actions, but moto does not:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    """
    usual = {f"sts:{name}".lower(): f"sts:{name}" for name in (*load_service("sts").operation_names, *_ONLY_ACTIONS)}
    changed = [
        {
            name: [usual.get(text.lower(), text) for text in listed(value)]
            if name in ("Action", "NotAction")
            else value
            for name, value in statement.items()
        }
        for statement in statements(document)
    ]
    return json.dumps({**document, "Version": VERSIONS[-1], "Statement": changed})


def check_permissions(text: str, *, managed: bool) -> None:
    """Check what moto does not check in a permissions policy.

    :raises ServiceError: IAM does not accept the policy.
    """
    size = len(re.sub(r"\s", "", text))
    if managed and size > _MANAGED:
        raise ServiceError("LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED}", 409)
    if not managed and size > _INLINE:
        raise ServiceError("LimitExceeded", f"Maximum policy size of {_INLINE} bytes exceeded for the role", 409)
    try:
        found = list(statements(json.loads(text)))
    except (ValueError, LookupError, TypeError, RecursionError):
        return  # moto refuses it
    for statement in found:
        if isinstance(statement, dict):
            if not statement.keys().isdisjoint({"Principal", "NotPrincipal"}):
                raise ServiceError("MalformedPolicyDocument", "Policy document should not specify a principal.")
            try:
                _check_sid(statement)
            except PolicyError as error:
                raise ServiceError("MalformedPolicyDocument", str(error)) from None


def _check_existing_principals(statement: dict[str, Any], roles: Collection[str]) -> None:
    """Check that the roles and users of this account that the statement names exist.

    https://repost.aws/knowledge-center/iam-trust-policy-error
    """
    for name in ("Principal", "NotPrincipal"):
        value = statement.get(name)
        arns = listed(value.get("AWS", [])) if isinstance(value, dict) else []
        for arn in arns:
            if arn.startswith(_OWN_PRINCIPALS) and arn not in roles:
                raise PolicyError(f'Invalid principal in policy: "AWS":"{arn}"')


def _check_allowed_principals(statement: dict[str, object]) -> None:
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise PolicyError("Allow with NotPrincipal is not allowed.")


def _check_sid(statement: dict[str, object]) -> None:
    if not re.fullmatch("[0-9A-Za-z]*", str(statement.get("Sid", ""))):
        raise PolicyError(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression"
            " [0-9A-Za-z]*"
        )
