"""
Authorise requests to IAM, STS, Service Quotas and Pricing.

GetCallerIdentity needs no permission. AssumeRole also needs the trust policy of the role, which STS checks. The actions
and their resources are those of AWS's table:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.access.conditions import Context
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.authorization import Authorizer
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.request_keys import request_keys
from tools.aws_simulator.services.service import ServiceCall

# The prefixes of the actions, by the name of the service in botocore.
PREFIXES = {"iam": "iam", "sts": "sts", "service-quotas": "servicequotas", "pricing": "pricing"}
_WITHOUT_PERMISSION = "GetCallerIdentity"
_JSON_CODE = "AccessDeniedException"
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
        if not self._authorizer.enforced or call.operation.name == _WITHOUT_PERMISSION:
            return
        resource, context = self._resource(service, call)
        action, scope = f"{PREFIXES[service]}:{call.operation.name}", call.scope
        refusal = self._authorizer.refusal(scope.access_key, action, resource, scope.region, context)
        if refusal is not None:
            raise _error(service, refusal, resource)

    def _resource(self, service: str, call: ServiceCall) -> tuple[str, Context]:
        arguments = call.arguments
        if service == "service-quotas" and call.operation.name == "GetServiceQuota":
            quota = f"{arguments['ServiceCode']}/{arguments['QuotaCode']}"
            return f"arn:aws:servicequotas:{call.scope.region}:{ACCOUNT_ID}:{quota}", {}
        if service == "sts":
            return arguments["RoleArn"], request_keys(arguments)
        return self._iam_resource(call.operation.name, arguments) if service == "iam" else ("*", {})

    def _iam_resource(self, operation: str, arguments: Mapping[str, Any]) -> tuple[str, Context]:
        path = arguments.get("Path", "/")
        if operation == "CreateRole":
            return f"{_IAM}:role{path}{arguments['RoleName']}", request_keys(arguments)
        if operation == "CreatePolicy":
            return f"{_IAM}:policy{path}{arguments['PolicyName']}", request_keys(arguments)
        if "RoleName" in arguments:
            arn, role = self._iam.role_named(arguments["RoleName"]) or (f"{_IAM}:role/{arguments['RoleName']}", None)
            tags = {tag["Key"]: tag["Value"] for tag in role["tags"]} if role else {}
            return arn, {**_existing(tags), **request_keys(arguments), **_policy(arguments)}
        if "PolicyArn" in arguments:
            policy = self._iam.policies.get(arguments["PolicyArn"])
            tags = {tag["Key"]: tag["Value"] for tag in policy["tags"].values()} if policy else {}
            return arguments["PolicyArn"], {**_existing(tags), **request_keys(arguments)}
        return str(arguments.get("PolicySourceArn", "*")), {}


def _existing(tags: Mapping[str, str]) -> Context:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def _policy(arguments: Mapping[str, Any]) -> Context:
    return {"iam:PolicyARN": arguments["PolicyArn"]} if "PolicyArn" in arguments else {}


def _error(service: str, refusal: str, resource: str) -> ServiceError:
    """Return the error of a service. STS gives no reason: https://github.com/aws/karpenter-provider-aws/issues/4680."""
    if service == "sts":
        before, on, _ = refusal.partition(f" on resource: {resource}")
        return ServiceError("AccessDenied", before + on, 403)
    return ServiceError("AccessDenied", refusal, 403) if service == "iam" else ServiceError(_JSON_CODE, refusal)
