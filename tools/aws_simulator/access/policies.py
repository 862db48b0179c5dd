"""
Decide whether policies allow a request.

An explicit Deny in any policy wins. Otherwise the request is allowed if a statement allows it, and refused implicitly
if none does.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.aws_simulator.access.conditions import Context, PolicyError, holds, listed
from tools.aws_simulator.access.documents import statements
from tools.aws_simulator.access.patterns import literal, matches, matches_resource

Policy = Mapping[str, Any]
Decision = Literal["allowed", "denied", "not allowed"]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_VERSION_WITH_VARIABLES = "2012-10-17"


@dataclass(frozen=True)
class AccessRequest:
    """
    An action on a resource.

    :param principals: the names under which a policy may list the caller, such as ("Service", "bedrock.amazonaws.com").
        They are not needed for identity-based policies, which have no Principal.
    :param context: the condition keys of the request and their values.
    """

    action: str
    resource: str
    principals: frozenset[tuple[str, str]] = frozenset()
    context: Context = field(default_factory=dict)


def decide(policies: Iterable[Policy], request: AccessRequest) -> Decision:
    """Return whether ``policies`` allow the request.

    :raises PolicyError: a policy has an element that AWS does not accept.
    """
    effects = {effect for policy in policies for effect in _effects(policy, request)}
    if "Deny" in effects:
        return "denied"
    return "allowed" if "Allow" in effects else "not allowed"


def _effects(policy: Policy, request: AccessRequest) -> Iterable[str]:
    for statement in statements(policy):
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError(f"Invalid effect: {statement.get('Effect')}")
        if _applies(statement, request, has_variables=policy.get("Version") == _VERSION_WITH_VARIABLES):
            yield statement["Effect"]


def _applies(statement: Mapping[str, Any], request: AccessRequest, *, has_variables: bool) -> bool:
    # Most statements are about other actions, so this comes first.
    if not _covers(statement, "Action", lambda name: matches(name, request.action, ignore_case=True)):
        return False
    context = {name.lower(): value for name, value in request.context.items()}

    def resolve(text: str) -> str | None:
        return _resolve(text, context) if has_variables else text

    return (
        _covers(statement, "Resource", lambda name: _is_resource(resolve(name), request.resource))
        and _is_principal(statement, request.principals)
        and holds(statement.get("Condition", {}), context, resolve)
    )


def _covers(statement: Mapping[str, Any], element: str, test: Any) -> bool:
    """
    Return whether the Action or Resource of a statement, or its NotAction or NotResource, covers the request.

    A statement with neither Resource nor NotResource covers every resource, as in a trust policy.
    """
    if element in statement:
        return any(map(test, listed(statement[element])))
    if f"Not{element}" in statement:
        return not any(map(test, listed(statement[f"Not{element}"])))
    return element == "Resource"


def _is_resource(pattern: str | None, resource: str) -> bool:
    return pattern is not None and matches_resource(pattern, resource)


def _is_principal(statement: Mapping[str, Any], principals: frozenset[tuple[str, str]]) -> bool:
    if "NotPrincipal" in statement:
        return not _lists_principal(statement["NotPrincipal"], principals)
    return "Principal" not in statement or _lists_principal(statement["Principal"], principals)


def _lists_principal(entry: Any, principals: frozenset[tuple[str, str]]) -> bool:
    if isinstance(entry, str):
        return entry == "*"
    names = {(kind, name) for kind, value in entry.items() for name in listed(value)}
    return ("AWS", "*") in names or not names.isdisjoint(principals)


def _resolve(text: str, context: Context) -> str | None:
    """Replace policy variables. Return None if a variable has no value and no default.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match[1].partition(",")
        if name in ("*", "?", "$"):
            return literal(name)
        value = context.get(name.strip().lower())
        if value is not None and len(listed(value)) == 1:
            return literal(listed(value)[0])
        missing = missing or not default
        return literal(default.strip().strip("'"))

    resolved = _VARIABLE.sub(value_of, text)
    return None if missing else resolved
