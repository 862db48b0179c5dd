"""
Answer the IAM operations on roles and their policies with moto, and keep roles and policies in the state. The
simulator itself answers SimulatePrincipalPolicy.

Users, groups and instance profiles do not exist. Their operations are refused with an error that names the operation,
except ListInstanceProfilesForRole, which returns an empty list. The managed policies of AWS are those that moto knows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from starlette.responses import Response

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.moto_calls import MotoThread, ask_moto
from tools.aws_simulator.account.records import PolicyRecord, RoleRecord
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.query import write_query_response
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.iam_pages import cut_list, without_page
from tools.aws_simulator.services.iam_records import (
    OF_AWS,
    load_aws_policies,
    policy_record,
    restore_policy,
    restore_role,
    role_record,
)
from tools.aws_simulator.services.policy_checks import check_permissions, check_trust
from tools.aws_simulator.services.policy_simulation import simulate
from tools.aws_simulator.services.service import ServiceCall, ServiceHandler, SimulatedService

logger = logging.getLogger(__name__)

OPERATIONS = (
    "AttachRolePolicy",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "GetPolicy",
    "GetPolicyVersion",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListPolicies",
    "ListPolicyTags",
    "ListPolicyVersions",
    "ListRolePolicies",
    "ListRoleTags",
    "ListRoles",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "SetDefaultPolicyVersion",
    "TagPolicy",
    "TagRole",
    "UntagPolicy",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
)
_READ_ONLY = ("Get", "List")


class Iam:
    """The roles and managed policies of the account.

    ``is_new`` is True if the state had no IAM records before. ``changes`` counts the changes of the records.
    """

    def __init__(self, state: State, moto: MotoThread) -> None:
        self._state = state
        self._moto = moto
        self._aws_policies: dict[str, Any] = {}
        self._backend: Any = iam_backends[ACCOUNT_ID]["aws"]
        handlers: dict[str, ServiceHandler] = dict.fromkeys(OPERATIONS, self._answer)
        handlers["SimulatePrincipalPolicy"] = self._simulate
        self.service = SimulatedService(load_service("iam"), handlers)
        # Other threads read these records. They are replaced as a whole and never changed.
        stored = state.load("iam", None)
        self.is_new = stored is None
        if stored is None:
            stored = {"roles": [], "policies": []}
            state.store("iam", stored)
        self.roles: dict[str, RoleRecord] = {}
        self.policies: dict[str, PolicyRecord] = {}
        self.changes = 0
        with moto.lock:
            self._restore(stored)

    def close(self) -> None:
        """Release moto's memory. The records are kept in the state."""
        with self._moto.lock:
            self._backend.reset()

    def _restore(self, stored: dict[str, Any]) -> None:
        self._backend.reset()
        for policy in self._aws_policies.values():
            policy.attachment_count = 0
        self._backend.managed_policies.update(self._aws_policies)
        for policy in map(restore_policy, stored["policies"]):
            self._backend.managed_policies[policy.arn] = policy
        for record in stored["roles"]:
            self._need_aws_policies(*record["attached"])
            role = self._backend.roles[record["id"]] = restore_role(record)
            for arn in record["attached"]:
                if arn in self._backend.managed_policies:
                    self._backend.managed_policies[arn].attach_to(role)
                else:  # earlier versions let clients delete attached policies
                    logger.warning("The policy %s, attached to the role %s, does not exist.", arn, record["name"])
        self._take_records()

    def _take_records(self) -> None:
        self.roles = {role.arn: role_record(role) for role in self._backend.roles.values()}
        policies = self._backend.managed_policies.items()
        self.policies = {arn: policy_record(policy) for arn, policy in policies if not arn.startswith(OF_AWS)}
        self.changes += 1  # after the records, so that nobody takes the records before for those of this change

    def _need_aws_policies(self, *arns: str) -> None:
        """Load AWS's policies if one of ``arns`` names such a policy. Loading them takes a moment."""
        if not self._aws_policies and any(arn.startswith(OF_AWS) for arn in arns):
            self._aws_policies = load_aws_policies()
            self._backend.managed_policies.update(self._aws_policies)

    def _simulate(self, call: ServiceCall) -> dict[str, Any]:
        with self._moto.lock:
            return simulate(self.roles, self.document, call.arguments)

    async def _answer(self, call: ServiceCall) -> Response:
        headers = {**call.request.headers, "host": "iam.amazonaws.com"}
        return await self._moto.run(self._ask, call, headers)

    def _ask(self, call: ServiceCall, headers: dict[str, str]) -> Response:
        with self._moto.lock:
            self._check(call)
            if call.operation.name == "UpdateAssumeRolePolicy":
                return self._update_trust(call)
            status, out_headers, content = self._ask_moto(call, headers)
            if status < 300 and not call.operation.name.startswith(_READ_ONLY):
                self._commit()
        out_headers = {name: value for name, value in out_headers.items() if name != "content-length"}
        return Response(content, status_code=status, headers={**out_headers, "x-simulated": "true"})

    def _update_trust(self, call: ServiceCall) -> Response:
        """
        Replace the trust policy of a role. The new policy has already been checked.

        moto refuses a policy that has no version or the version 2008-10-17. IAM accepts both policies:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
        """
        self._backend.get_role(call.arguments["RoleName"]).assume_role_policy_document = call.arguments[
            "PolicyDocument"
        ]
        self._commit()
        return write_query_response(call.operation, {})

    def _ask_moto(self, call: ServiceCall, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes | str]:
        if not call.operation.name.startswith("List"):
            query = call.request.url.query
            return ask_moto(IamResponse.dispatch, call.request.method, "/", query, headers, call.body)
        body = without_page(call.body or call.request.url.query.encode())
        form = {**headers, "content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
        status, out_headers, content = ask_moto(IamResponse.dispatch, "POST", "/", "", form, body)
        return status, out_headers, cut_list(content, call.arguments) if status < 300 else content

    def _commit(self) -> None:
        """Store what moto has changed. If this fails, undo the change."""
        before = self._records()
        self._take_records()
        try:
            self._state.store("iam", self._records())
        except Exception:
            self._restore(before)
            raise

    def _records(self) -> dict[str, Any]:
        return {"roles": list(self.roles.values()), "policies": list(self.policies.values())}

    def _check(self, call: ServiceCall) -> None:
        """Check what IAM checks and moto does not."""
        arguments, creates = call.arguments, call.operation.name == "CreateRole"
        if call.operation.name == "ListPolicies" and arguments.get("Scope") != "Local":
            self._need_aws_policies(OF_AWS)
        self._need_aws_policies(arguments.get("PolicyArn", ""), arguments.get("PermissionsBoundary", ""))
        name = arguments.get("RoleName")
        if name and not creates and self.role_named(name) is None:
            raise ServiceError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        if call.operation.name == "DeletePolicy":
            self._check_deletable(arguments["PolicyArn"])
        boundary = arguments.get("PermissionsBoundary")
        if boundary and boundary not in self._backend.managed_policies:
            raise ServiceError("NoSuchEntity", f"Policy {boundary} does not exist or is not attachable.", 404)
        if creates and arguments["RoleName"].lower() in {role["name"].lower() for role in self.roles.values()}:
            raise ServiceError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        if creates:
            check_trust(arguments["AssumeRolePolicyDocument"], self.roles)
        elif call.operation.name == "UpdateAssumeRolePolicy":
            check_trust(arguments["PolicyDocument"], self.roles)
        elif "PolicyDocument" in arguments:
            check_permissions(arguments["PolicyDocument"], managed=call.operation.name != "PutRolePolicy")

    def _check_deletable(self, arn: str) -> None:
        """Check that nothing uses a managed policy, and that it has no versions but the default one.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
        """
        if any(arn in role["attached"] or arn == role["boundary"] for role in self.roles.values()):
            raise ServiceError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if arn in self.policies and len(self.policies[arn]["versions"]) > 1:
            text = (
                "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                " versions. The default version is deleted with the policy."
            )
            raise ServiceError("DeleteConflict", text, 409)

    def document(self, arn: str) -> dict[str, Any] | None:
        """Return the default version of a managed policy; None if the policy does not exist."""
        if arn in self.policies:
            text = next(version["document"] for version in self.policies[arn]["versions"] if version["default"])
        elif arn in self._aws_policies:
            text = next(version.document for version in self._aws_policies[arn].versions if version.is_default)
        else:
            return None
        return dict(json.loads(text))

    def role_named(self, name: str) -> tuple[str, RoleRecord] | None:
        """Return the ARN and the record of the role with this name, whatever its path; None if it does not exist."""
        return next(((arn, role) for arn, role in self.roles.items() if role["name"] == name), None)

    def is_of_aws(self, arn: str) -> bool:
        """Return whether an ARN names a managed policy of AWS that exists."""
        with self._moto.lock:
            self._need_aws_policies(arn)
            return arn in self._aws_policies

    def replace(self, roles: Iterable[RoleRecord], policies: Iterable[PolicyRecord]) -> None:
        """Replace all roles and all managed policies of the account. Their records have already been checked."""
        with self._moto.lock:
            before = self._records()
            self._restore({"roles": list(roles), "policies": list(policies)})
            try:
                self._state.store("iam", self._records())
            except Exception:
                self._restore(before)
                raise

    def add_role(self, record: RoleRecord) -> None:
        """Add a role if no role has its name."""
        with self._moto.lock:
            if self.role_named(record["name"]) is None:
                self._backend.roles[record["id"]] = restore_role(record)
                self._commit()
