"""
Turn the roles and policies of a stack into the records of the simulated account.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from tools.aws_simulator.account.records import PolicyRecord, PolicyVersionRecord, RoleRecord
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.iam_records import new_id
from tools.aws_simulator.services.policy_checks import check_permissions, check_trust
from tools.aws_simulator.services.roles import ROLE_PREFIX
from tools.aws_simulator.stacks.policy_faults import check_document
from tools.aws_simulator.stacks.properties import check_known, document_of, objects_of, tags_of, text_of, texts_of
from tools.aws_simulator.stacks.template import RenderedResource
from tools.aws_simulator.stacks.yaml_files import StackError

_ROLE = (
    *("RoleName", "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "PermissionsBoundary", "Path"),
    *("Description", "MaxSessionDuration", "Tags"),
)
_MANAGED = ("ManagedPolicyName", "PolicyDocument", "Roles", "Description", "Path")
_INLINE = ("PolicyName", "PolicyDocument", "RoleName", "Roles")
_MOST_VERSIONS = 5
_SESSION_SECONDS = 3600


class Identities:
    """
    The roles and managed policies of an account as a stack will leave them.

    Nothing in the account changes before :meth:`store`.
    """

    def __init__(self, iam: Iam) -> None:
        self._iam = iam
        self._roles = {role["name"]: role for role in iam.roles.values()}
        self._policies = dict(iam.policies)

    def put_role(self, where: str, resource: RenderedResource, stack_tags: Mapping[str, str]) -> None:
        """Create a role, or replace its trust policy, its inline policies and its boundary.

        Managed policies that others have attached to the role stay attached.

        :raises StackError: a property is not valid.
        """
        properties = resource.properties
        check_known(where, properties, _ROLE)
        policies = {}
        for index, policy in enumerate(objects_of(where, properties, "Policies")):
            place = f"{where}.Policies[{index}]"
            check_known(place, policy, ("PolicyName", "PolicyDocument"))
            policies[text_of(place, policy, "PolicyName")] = _permissions(place, policy, managed=False)
        before = self._roles.get(resource.name)
        attached = [*(before["attached"] if before else ()), *texts_of(where, properties, "ManagedPolicyArns")]
        boundary = properties.get("PermissionsBoundary")
        tags = {tag["Key"]: tag["Value"] for tag in before["tags"]} if before else {}
        tags |= tags_of(where, properties, stack_tags)
        self._roles[resource.name] = RoleRecord(
            id=before["id"] if before else new_id("AROA"),
            name=resource.name,
            path=text_of(where, properties, "Path", "/"),
            created=before["created"] if before else time.time(),
            trust=document_of(where, properties, "AssumeRolePolicyDocument"),
            description=text_of(where, properties, "Description", ""),
            tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            max_session_seconds=int(text_of(where, properties, "MaxSessionDuration", str(_SESSION_SECONDS))),
            boundary=None if boundary is None else str(boundary),
            policies=policies,
            attached=list(dict.fromkeys(attached)),
        )

    def put_managed_policy(self, where: str, resource: RenderedResource) -> None:
        """Create a managed policy, or give it a new default version. :meth:`attach` attaches it.

        :raises StackError: a property is not valid.
        """
        properties = resource.properties
        check_known(where, properties, _MANAGED)
        document = _permissions(where, properties, managed=True)
        before = self._policies.get(resource.arn)
        number = before["next_version"] if before else 1
        versions = list(before["versions"]) if before else []
        now = time.time()
        if not any(version["default"] and version["document"] == document for version in versions):
            versions = [PolicyVersionRecord(**{**version, "default": False}) for version in versions]
            versions.append(PolicyVersionRecord(id=f"v{number}", document=document, created=now, default=True))
            number += 1
        self._policies[resource.arn] = PolicyRecord(
            id=before["id"] if before else new_id("ANPA"),
            name=resource.name,
            path=text_of(where, properties, "Path", "/"),
            created=before["created"] if before else now,
            updated=now,
            description=text_of(where, properties, "Description", ""),
            tags=before["tags"] if before else {},
            versions=versions[-_MOST_VERSIONS:],
            next_version=number,
        )

    def put_inline_policy(self, where: str, resource: RenderedResource) -> None:
        """Put an inline policy into the roles that ``RoleName`` or ``Roles`` name.

        :raises StackError: a property is not valid, or a role does not exist.
        """
        properties = resource.properties
        check_known(where, properties, _INLINE)
        document = _permissions(where, properties, managed=False)
        one = [text_of(where, properties, "RoleName")] if "RoleName" in properties else []
        for name in [*one, *texts_of(where, properties, "Roles")]:
            role = self._role(where, name)
            policies = {**role["policies"], resource.name: document}
            self._roles[name] = RoleRecord(**{**role, "policies": policies})

    def attach(self, where: str, resource: RenderedResource) -> None:
        """Attach a managed policy to the roles of its property ``Roles``.

        :raises StackError: a role does not exist.
        """
        for name in texts_of(where, resource.properties, "Roles"):
            role = self._role(where, name)
            if resource.arn not in role["attached"]:
                self._roles[name] = RoleRecord(**{**role, "attached": [*role["attached"], resource.arn]})

    def _role(self, where: str, name: str) -> RoleRecord:
        if name not in self._roles:
            raise StackError(f"{where}.Roles: The role with name {name} cannot be found")
        return self._roles[name]

    def check_role(self, where: str, resource: RenderedResource) -> None:
        """Check the trust policy, the managed policies and the boundary of a role, which may name other resources.

        :raises StackError: IAM does not accept the role.
        """
        role = self._roles[resource.name]
        arns = [f"{ROLE_PREFIX}{one['path'].lstrip('/')}{one['name']}" for one in self._roles.values()]
        check_document(f"{where}.AssumeRolePolicyDocument", role["trust"], partial(check_trust, roles=arns))
        for arn in [*role["attached"], *filter(None, [role["boundary"]])]:
            if arn not in self._policies and not self._iam.is_of_aws(arn):
                raise StackError(f"{where}: Policy {arn} does not exist or is not attachable")

    def store(self) -> None:
        """Change the account."""
        self._iam.replace(self._roles.values(), self._policies.values())


def _permissions(where: str, properties: Mapping[str, object], *, managed: bool) -> str:
    def check(text: str) -> None:
        check_permissions(text, managed=managed)
        try:
            IAMPolicyDocumentValidator(text).validate()
        except MalformedPolicyDocument as error:
            raise ServiceError("MalformedPolicyDocument", str(error.message)) from None

    document = document_of(where, properties, "PolicyDocument")
    check_document(f"{where}.PolicyDocument", document, check)
    return document


def of_type(resources: Mapping[str, RenderedResource], *types: str) -> Iterable[tuple[str, RenderedResource]]:
    """Yield the resources of some types, with the places of their properties in the template."""
    for name, resource in resources.items():
        if resource.type in types:
            yield f"Resources.{name}.Properties", resource
