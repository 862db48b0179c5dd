"""
Keep what the roles may do in memory, ready to be evaluated.

A run makes tens of thousands of requests with the same few roles. The policies of a role are therefore read once after
each change of IAM, and a decision is kept for all requests that do not differ in anything that the policies look at.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.aws_simulator.access.conditions import Context, PolicyError
from tools.aws_simulator.access.documents import statements
from tools.aws_simulator.access.policies import AccessRequest, Policy, decide
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.services.iam import Iam

ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
_ACCOUNT = frozenset({("AWS", ACCOUNT_ID), ("AWS", ROOT)})
_VARIABLE = re.compile(r"\$\{([^},]*)[^}]*\}")
_MOST_DECISIONS = 50_000
TIMES = frozenset({"aws:currenttime", "aws:epochtime"})
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Permissions:
    """
    What a role or the root user may do.

    :param documents: the policies that allow and deny actions.
    :param boundary: the permissions boundary; None if there is no boundary.
    :param context: the keys for the conditions of policies that describe the role or the root user.
    """

    documents: Sequence[Policy]
    boundary: Policy | None
    context: Mapping[str, str]

    @functools.cached_property
    def keys(self) -> frozenset[str]:
        """The condition keys that the policies look at, in lower case."""
        boundary = [] if self.boundary is None else [self.boundary]
        return frozenset(key for policy in [*self.documents, *boundary] for key in _keys_of(policy))


@dataclass
class _Known:
    """What is known until the next change of IAM."""

    change: int
    permissions: dict[str, Permissions | None] = field(default_factory=dict)
    refusals: dict[tuple[object, ...], str | None] = field(default_factory=dict)


class PermissionsOfRoles:
    """The permissions of the account's roles, and the decisions that follow from them."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam
        self._known = _Known(-1)

    def refusal(self, role_arn: str, request: AccessRequest, region: str, resource_policy: str | None) -> str | None:
        """
        Return why a role may not do what it asks for; None if it may.

        The text completes AWS's message. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        lists the texts. A role that does not exist may do nothing.

        :param resource_policy: the policy of the resource, as JSON.
        """
        known = self._current()
        permissions = self._permissions(known, role_arn)
        if permissions is None:
            return _not_allowed("identity-based policy", request.action)
        attached = None if resource_policy is None else _read(resource_policy)
        keys = permissions.keys | attached[1] if attached else permissions.keys
        everything = {**described(region, keys), **permissions.context, **_lower(request.context)}
        asked = (role_arn, request.action, request.resource, resource_policy)
        values = tuple(_hashable(everything.get(key)) for key in keys)
        if (*asked, values) not in known.refusals:
            if len(known.refusals) >= _MOST_DECISIONS:
                known.refusals.clear()
            full = AccessRequest(request.action, request.resource, frozenset({("AWS", role_arn)}), everything)
            known.refusals[*asked, values] = _evaluate(permissions, full, attached[0] if attached else None)
        return known.refusals[*asked, values]

    def _current(self) -> _Known:
        change = self._iam.changes
        if self._known.change != change:
            self._known = _Known(change)
        return self._known

    def _permissions(self, known: _Known, role_arn: str) -> Permissions | None:
        if role_arn not in known.permissions:
            known.permissions[role_arn] = self._read_permissions(role_arn)
        return known.permissions[role_arn]

    def _read_permissions(self, role_arn: str) -> Permissions | None:
        about = {
            "aws:principalarn": role_arn,
            "aws:principalaccount": ACCOUNT_ID,
            "aws:resourceaccount": ACCOUNT_ID,
        }
        if role_arn == ROOT:
            return Permissions([_EVERYTHING], None, {**about, "aws:principaltype": "Account"})
        role = self._iam.roles.get(role_arn)
        if role is None:
            return None
        documents = [json.loads(text) for text in role["policies"].values()]
        documents += [document for arn in role["attached"] if (document := self._iam.document(arn))]
        boundary = self._iam.document(role["boundary"]) or {} if role["boundary"] else None
        tags = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role["tags"]}
        return Permissions(documents, boundary, {**about, "aws:principaltype": "AssumedRole", **tags})


def _evaluate(permissions: Permissions, request: AccessRequest, attached: Policy | None) -> str | None:
    """Return why a request is refused; None if it is allowed.

    If the resource's policy allows the whole account to do an action, the policies of the role decide.
    """
    try:
        if attached is not None:
            as_anyone = AccessRequest(request.action, request.resource, request.principals | _ACCOUNT, request.context)
            if decide([attached], as_anyone) == "denied":
                return "with an explicit deny in a resource-based policy"
        own = decide(permissions.documents, request)
        limit = "allowed" if permissions.boundary is None else decide([permissions.boundary], request)
        of_resource = "not allowed" if attached is None else decide([attached], request)
    except PolicyError:
        return _not_allowed("identity-based policy", request.action)
    if own == "denied":
        return "with an explicit deny in an identity-based policy"
    if limit == "denied":
        return "with an explicit deny in a permissions boundary"
    if "allowed" not in (own, of_resource):
        return _not_allowed("identity-based policy", request.action)
    return None if limit == "allowed" else _not_allowed("permissions boundary", request.action)


def _not_allowed(kind: str, action: str) -> str:
    return f"because no {kind} allows the {action} action"


@functools.lru_cache(maxsize=256)
def _read(policy: str) -> tuple[dict[str, Any], frozenset[str]]:
    """Return a policy, and the condition keys that it looks at."""
    document: dict[str, Any] = json.loads(policy)
    return document, frozenset(_keys_of(document))


def _keys_of(policy: Policy) -> Iterator[str]:
    for statement in statements(policy):
        for keys in statement.get("Condition", {}).values():
            yield from (key.lower() for key in keys)
    yield from (name.strip().lower() for name in _VARIABLE.findall(json.dumps(policy)))


def described(region: str, keys: Collection[str] = TIMES) -> dict[str, str]:
    """
    Return the keys for the conditions of policies that describe the request itself, in lower case.

    :param keys: the keys that the policies look at. The times are left out if no policy looks at them.
    """
    values = {
        "aws:requestedregion": region,
        # Bedrock uses TLS, even if the clients of the simulator do not.
        "aws:securetransport": "true",
        "s3:tlsversion": "1.3",
        "aws:viaawsservice": "false",
        "aws:principalisawsservice": "false",
    }
    if not TIMES.isdisjoint(keys):
        now = datetime.datetime.now(datetime.UTC)
        values["aws:currenttime"] = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        values["aws:epochtime"] = str(int(now.timestamp()))
    return values


def _lower(context: Context) -> dict[str, str | Sequence[str]]:
    return {name.lower(): value for name, value in context.items()}


def _hashable(value: str | Sequence[str] | None) -> object:
    return value if value is None or isinstance(value, str) else tuple(value)
