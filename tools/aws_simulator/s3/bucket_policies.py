"""
Check, show and evaluate the policies of buckets.

moto accepts any text as a policy. It evaluates policies for some requests only, and ignores their conditions. So the
simulator keeps the policies itself, and never passes them to moto. Signed requests are not checked against the policy,
because the simulator does not check what its clients may do. A job can use a bucket only if the policy does not deny
this to the job's role. An unsigned request is accepted only if the policy or an ACL allows it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html

The error texts about the resource, the action and the principal are S3's. Issues 645, 648 and 649 of
github.com/versity/versitygw quote them to compare that server with S3. The other texts are also S3's where a public
report quotes them, such as github.com/hashicorp/terraform/issues/28688.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from moto.s3.utils import bucket_policy_is_public

from tools.aws_simulator.access.conditions import PolicyError, listed
from tools.aws_simulator.access.documents import check_principals, read_document, statements
from tools.aws_simulator.access.patterns import matches
from tools.aws_simulator.access.policies import AccessRequest, decide
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.policy_actions import resources_of

_MAXIMUM_BYTES = 20 * 1024
_PREFIX = "arn:aws:s3:::"


def check_policy(bucket: str, body: bytes) -> str:
    """Check the policy of a bucket, and return its text.

    :raises S3Error: the policy is not valid.
    """
    if len(body) > _MAXIMUM_BYTES:
        raise S3Error("PolicyTooLarge", f"Policy exceeds the maximum allowed document size of {_MAXIMUM_BYTES} bytes.")
    try:
        text = body.decode()
        for statement in statements(read_document(text)):
            check_principals(statement)
            _check_statement(bucket, statement)
    except UnicodeDecodeError:
        raise S3Error("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'") from None
    except PolicyError as error:
        raise S3Error("MalformedPolicy", str(error)) from None
    return text


def _check_statement(bucket: str, statement: Mapping[str, Any]) -> None:
    actions = listed(statement.get("Action", statement.get("NotAction")))
    kinds = [resources_of(action) if action != "*" else {"bucket", "object"} for action in actions]
    if not all(kinds):
        raise PolicyError("Policy has invalid action")
    if "Resource" not in statement and "NotResource" not in statement:
        raise PolicyError("Missing required field Resource")
    resources = listed(statement.get("Resource", statement.get("NotResource")))
    if not all(_is_of(resource, bucket) for resource in resources):
        raise PolicyError("Policy has invalid resource")
    if "Action" in statement and "Resource" in statement:
        named = {kind for resource in resources for kind in _kinds(resource)}
        if any(kind.isdisjoint(named) for kind in kinds):
            raise PolicyError("Action does not apply to any resource(s) in statement")


def _kinds(resource: str) -> set[str]:
    if "/" in resource:
        return {"object"}
    return {"bucket", "object"} if "*" in resource else {"bucket"}


def _is_of(resource: str, bucket: str) -> bool:
    """Return whether a resource of a policy is the bucket or is in it. ``resource`` may have wildcards."""
    if resource == "*":
        return True
    name = resource.removeprefix(_PREFIX).partition("/")[0]
    return resource.startswith(_PREFIX) and matches(name, bucket)


def policy_status(policy: str | None) -> bytes:
    """Return the response to GetBucketPolicyStatus: whether the policy is public.

    A policy is public if one of its statements allows an action to everyone and has no conditions.

    :raises S3Error: the bucket has no policy.
    """
    if policy is None:
        raise S3Error("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    root = Element("PolicyStatus", xmlns="http://s3.amazonaws.com/doc/2006-03-01/")
    SubElement(root, "IsPublic").text = "true" if bucket_policy_is_public(policy) else "false"
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def public_access(policy: str | None, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Return whether a policy allows an unsigned request."""
    if policy is None:
        return False
    return decide([json.loads(policy)], AccessRequest(action, resource, context=context)) == "allowed"
