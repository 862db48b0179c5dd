"""
Check the documents of policies that are attached to resources: trust policies of roles, and policies of buckets.

Policy grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
Kinds of principals: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.aws_simulator.access.conditions import PolicyError, check_condition, listed

VERSIONS = ("2008-10-17", "2012-10-17")
_TOP = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:root|(?:user|role|assumed-role|federated-user)/.+)"
    # When a user or role is deleted, AWS replaces its ARN in policies with its id.
    r"|A(?:IDA|ROA)[A-Z0-9]{12,}"
)
_PRINCIPALS = {
    "AWS": _AWS_PRINCIPAL,
    "Service": re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?"),
    "Federated": re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?:saml|oidc)-provider/.+|[a-z0-9-]+(?:\.[a-z0-9-]+)+.*"),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}"),
}


class _Repeated(ValueError):
    """An object of a JSON document has a key twice."""


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated
    return dict(pairs)


def read_document(text: str) -> dict[str, Any]:
    """Read a policy document, and check its version and its statements. The version may be missing.

    :raises PolicyError: AWS does not accept the text as a policy document.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_repeated_keys)
    except (ValueError, RecursionError):
        raise PolicyError("Policies must be valid JSON and the first byte must be '{'") from None
    if not isinstance(document, dict):
        raise PolicyError("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise PolicyError("The policy must contain a valid version string")
    if unknown := sorted(document.keys() - _TOP):
        raise PolicyError(f"Unknown field {unknown[0]}")
    if not document.get("Statement"):
        raise PolicyError("Missing required field Statement")
    identifiers: set[str] = set()
    for statement in statements(document):
        _check_statement(statement)
        sid = statement.get("Sid", "")
        if sid and sid in identifiers:
            raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
        identifiers.add(sid)
    return document


def statements(document: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the statements of a document; none if it is empty. A single statement need not be in a list."""
    value = document.get("Statement", [])
    yield from value if isinstance(value, list) else [value]


def _check_statement(statement: Any) -> None:
    if not isinstance(statement, dict):
        raise PolicyError("Statement is not an object")
    if unknown := sorted(statement.keys() - _STATEMENT):
        raise PolicyError(f"Unknown field {unknown[0]}")
    if "Effect" not in statement:
        raise PolicyError("Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise PolicyError(f"Invalid effect: {statement['Effect']}")
    if not isinstance(statement.get("Sid", ""), str):
        raise PolicyError("Sid is not a string")
    for name in ("Action", "Resource", "Principal"):
        if {name, f"Not{name}"} <= statement.keys():
            raise PolicyError(f"Statement has both {name} and Not{name}")
    for name in statement.keys() & {"Action", "NotAction", "Resource", "NotResource"}:
        _check_texts(name, statement[name])
    if statement.keys().isdisjoint({"Action", "NotAction"}):
        raise PolicyError("Missing required field Action")
    check_condition(statement.get("Condition", {}))


def _check_texts(name: str, value: Any) -> None:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise PolicyError(f"{name} must be a string or a list of strings")


def check_principals(statement: Mapping[str, Any]) -> None:
    """Check the principals of a statement of a policy that is attached to a resource.

    :raises PolicyError: the statement has no principal, or a principal that cannot exist.
    """
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise PolicyError("Missing required field Principal")
    value = statement.get("Principal", statement.get("NotPrincipal"))
    if value == "*":
        return
    if not isinstance(value, dict) or not value:
        raise PolicyError("Invalid principal in policy")
    for kind, names in value.items():
        pattern = _PRINCIPALS.get(kind)
        texts = listed(names)
        if pattern is None or not texts or not all(pattern.fullmatch(text) for text in texts):
            raise PolicyError(f'Invalid principal in policy: "{kind}":{json.dumps(names)}')
