"""
Authorise requests to IAM, Service Quotas and Pricing.

STS is not here. GetCallerIdentity needs no permission, and AssumeRole depends on the policy of the role too.
The actions and their resources are those of AWS's table:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.aws_simulator.access.conditions import Context
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.authorization import Authorizer
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.service import ServiceCall

# The prefixes of the actions, by the name of the service in botocore.
PREFIXES = {"iam": "iam", "service-quotas": "servicequotas", "pricing": "pricing"}
_IAM = f"arn:aws:iam::{ACCOUNT_ID}"


class ServiceAccess:
    """Refuses the requests that their callers may not make."""

    def __init__(self, authorizer: Authorizer, iam: Iam) -> None:
        self._authorizer = authorizer
        self._iam = iam

    def check(self, call: ServiceCall) -> None:
        """Check that the caller may make a request.

        :raises ServiceError: a permission is missing.
        """
        service = str(call.operation.service_model.service_name)
        if not self._authorizer.enforced or service not in PREFIXES:
            return
        resource, context = self._resource(service, call)
        action, scope = f"{PREFIXES[service]}:{call.operation.name}", call.scope
        refusal = self._authorizer.refusal(scope.access_key, action, resource, scope.region, context)
        if refusal is not None:
            raise ServiceError("AccessDenied", refusal, 403) if service == "iam" else _json_error(refusal)

    def _resource(self, service: str, call: ServiceCall) -> tuple[str, Context]:
        arguments = call.arguments
        if service == "service-quotas" and call.operation.name == "GetServiceQuota":
            quota = f"{arguments['ServiceCode']}/{arguments['QuotaCode']}"
            return f"arn:aws:servicequotas:{call.scope.region}:{ACCOUNT_ID}:{quota}", {}
        return self._iam_resource(call.operation.name, arguments) if service == "iam" else ("*", {})

    def _iam_resource(self, operation: str, arguments: Mapping[str, Any]) -> tuple[str, Context]:
        path = arguments.get("Path", "/")
        if operation == "CreateRole":
            return f"{_IAM}:role{path}{arguments['RoleName']}", _requested(arguments)
        if operation == "CreatePolicy":
            return f"{_IAM}:policy{path}{arguments['PolicyName']}", _requested(arguments)
        if "RoleName" in arguments:
            arn, role = self._iam.role_named(arguments["RoleName"]) or (f"{_IAM}:role/{arguments['RoleName']}", None)
            tags = {tag["Key"]: tag["Value"] for tag in role["tags"]} if role else {}
            return arn, {**_existing(tags), **_requested(arguments), **_policy(arguments)}
        if "PolicyArn" in arguments:
            policy = self._iam.policies.get(arguments["PolicyArn"])
            tags = {tag["Key"]: tag["Value"] for tag in policy["tags"].values()} if policy else {}
            return arguments["PolicyArn"], {**_existing(tags), **_requested(arguments)}
        return str(arguments.get("PolicySourceArn", "*")), {}


def _existing(tags: Mapping[str, str]) -> Context:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def _requested(arguments: Mapping[str, Any]) -> Context:
    tags: Sequence[Mapping[str, str]] = arguments.get("Tags", [])
    keys = [tag["Key"] for tag in tags] or arguments.get("TagKeys", [])
    context: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    if keys:
        context["aws:TagKeys"] = keys
    if "PermissionsBoundary" in arguments:
        context["iam:PermissionsBoundary"] = arguments["PermissionsBoundary"]
    return context


def _policy(arguments: Mapping[str, Any]) -> Context:
    return {"iam:PolicyARN": arguments["PolicyArn"]} if "PolicyArn" in arguments else {}


def _json_error(message: str) -> ServiceError:
    return ServiceError("AccessDeniedException", message)
