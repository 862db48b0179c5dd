"""
Answer IAM's operation SimulatePrincipalPolicy: what a role's policies would decide about requests.

As on AWS, the policies see only the condition keys that the request to IAM states, and those that it does not state but
the policies look at are listed in the result. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
Each action is evaluated for each resource, and each pair has a result.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.documents import read_document, statements
from tools.aws_simulator.access.policies import AccessRequest, Decision, Policy, decide
from tools.aws_simulator.account.records import RoleRecord
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.iam_records import OF_AWS

DocumentOf = Callable[[str], Policy | None]
_PAGE_SIZE = 100
_UNSUPPORTED = ("PolicyExclusionList", "ResourceHandlingOption", "ResourceOwner")
_DECISIONS: Mapping[Decision, str] = {
    "allowed": "allowed",
    "denied": "explicitDeny",
    "not allowed": "implicitDeny",
}


@dataclass(frozen=True)
class _Source:
    """One policy, with the name and the type by which a result mentions it."""

    name: str
    type: str
    policy: Policy


def simulate(roles: Mapping[str, RoleRecord], document_of: DocumentOf, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the result of SimulatePrincipalPolicy.

    :param roles: the roles of the account by ARN.
    :param document_of: returns a managed policy by its ARN; None if it does not exist.
    :raises ServiceError: the role does not exist, or an argument is not valid.
    """
    if unsupported := [name for name in _UNSUPPORTED if name in arguments]:
        text = f"The AWS simulator does not support {', '.join(unsupported)} in SimulatePrincipalPolicy."
        raise ServiceError("InvalidInput", text)
    arn = arguments["PolicySourceArn"]
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:(?:user|group|role)/.+", arn):
        raise ServiceError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    if arn not in roles:
        raise ServiceError("NoSuchEntity", f"The entity with ARN {arn} cannot be found.", 404)  # text UNVERIFIED
    for action in arguments["ActionNames"]:
        if not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", action):
            raise ServiceError("InvalidInput", f"Invalid action: {action}")  # text UNVERIFIED
    sources = [*_of_role(roles[arn], document_of), *_given(arguments, "PolicyInputList")]
    boundary = _boundary(roles[arn], document_of, arguments)
    resource_policy = _resource_policy(arguments)
    context = {
        entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in arguments.get("ContextEntries", [])
    }
    principals = frozenset({("AWS", arguments.get("CallerArn", arn))})
    asked = [
        AccessRequest(action, resource, principals, context)
        for action in arguments["ActionNames"]
        for resource in arguments.get("ResourceArns") or ["*"]
    ]
    page, marker = _page(asked, arguments)
    results = [_result(request, sources, boundary, resource_policy) for request in page]
    return {"EvaluationResults": results, "IsTruncated": marker is not None, **({"Marker": marker} if marker else {})}


def _of_role(role: RoleRecord, document_of: DocumentOf) -> Iterator[_Source]:
    for name, text in role["policies"].items():
        yield _Source(f"role_{role['name']}_{name}", "role", json.loads(text))
    for arn in role["attached"]:
        document = document_of(arn)
        if document is not None:
            kind = "aws-managed" if arn.startswith(OF_AWS) else "user-managed"
            yield _Source(arn.rpartition("/")[2], kind, document)


def _given(arguments: Mapping[str, Any], name: str) -> list[_Source]:
    """Return the policies that an argument contains."""
    return [
        _Source(f"{name}.{number}", "none", _read(text)) for number, text in enumerate(arguments.get(name, []), start=1)
    ]


def _boundary(role: RoleRecord, document_of: DocumentOf, arguments: Mapping[str, Any]) -> Policy | None:
    """Return the permissions boundary: that of the request, or that of the role."""
    given = _given(arguments, "PermissionsBoundaryPolicyInputList")
    if len(given) > 1:
        raise ServiceError("InvalidInput", "Only one permissions boundary policy can be simulated.")
    if given:
        return given[0].policy
    return document_of(role["boundary"]) or {} if role["boundary"] else None


def _resource_policy(arguments: Mapping[str, Any]) -> _Source | None:
    if "ResourcePolicy" not in arguments:
        return None
    if "CallerArn" not in arguments:
        raise ServiceError("InvalidInput", "CallerArn is required if ResourcePolicy is given.")  # text UNVERIFIED
    return _Source("ResourcePolicy", "resource", _read(arguments["ResourcePolicy"]))


def _read(text: str) -> Policy:
    try:
        return read_document(text)
    except PolicyError as error:
        raise ServiceError("InvalidInput", f"Syntax errors in policy: {error}") from None


def _result(
    request: AccessRequest, sources: Sequence[_Source], boundary: Policy | None, resource_policy: _Source | None
) -> dict[str, Any]:
    everything = [*sources, *([resource_policy] if resource_policy else [])]
    try:
        decisions = [(source, decide([source.policy], request)) for source in everything]
        limit = None if boundary is None else decide([boundary], request)
    except PolicyError as error:
        raise ServiceError("PolicyEvaluation", str(error), 500) from None
    found = [decision for _, decision in decisions]
    decision: Decision = "denied" if "denied" in found else "allowed" if "allowed" in found else "not allowed"
    # A boundary limits only what the other policies allow.
    final = limit if limit and (decision == "allowed" or limit == "denied") else decision
    matched = [source for source, own in decisions if own == decision != "not allowed"]
    policies = [source.policy for source in everything] + ([] if boundary is None else [boundary])
    detail = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": limit == "allowed"}}
    return {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": _DECISIONS[final],
        "MatchedStatements": [{"SourcePolicyId": one.name, "SourcePolicyType": one.type} for one in matched],
        "MissingContextValues": sorted({key for policy in policies for key in _missing(policy, request)}),
        **(detail if limit else {}),
    }


def _missing(policy: Policy, request: AccessRequest) -> Iterator[str]:
    """Yield the condition keys that the request lacks, of the statements that are about its action and resource."""
    present = {name.lower() for name in request.context}
    for statement in statements(policy):
        about = {name: value for name, value in statement.items() if name != "Condition"}
        unconditional = {"Version": policy.get("Version"), "Statement": [{**about, "Effect": "Allow"}]}
        if "Condition" in statement and decide([unconditional], replace(request, context={})) == "allowed":
            keys = [key for keys in statement["Condition"].values() for key in keys]
            yield from (key for key in keys if key.lower() not in present)


def _page(asked: Sequence[AccessRequest], arguments: Mapping[str, Any]) -> tuple[Sequence[AccessRequest], str | None]:
    """Return the requests of one page, and the marker of the next page if there is one."""
    start = 0
    if "Marker" in arguments:
        try:
            start = int(base64.b64decode(arguments["Marker"], validate=True))
        except (binascii.Error, ValueError):
            start = -1
        if not 0 < start < len(asked):
            raise ServiceError("ValidationError", "Invalid Marker.")
    end = start + int(arguments.get("MaxItems", _PAGE_SIZE))
    marker = base64.b64encode(str(end).encode()).decode() if end < len(asked) else None
    return asked[start:end], marker
