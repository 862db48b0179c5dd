"""
Render a CloudFormation template: resolve its parameters, conditions and functions for the simulated account.

Rendering creates nothing. What the simulator cannot resolve is an error that names the place in the template.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.stacks.functions import NO_VALUE, Functions
from tools.aws_simulator.stacks.parameters import as_text, read_parameters
from tools.aws_simulator.stacks.rules import check_rules
from tools.aws_simulator.stacks.yaml_files import StackError, read_yaml

REGION = "us-east-1"
_SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings"}
    | {"Conditions", "Resources", "Outputs"}
)
_RESOURCE = frozenset(
    {"Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)
# The property with the physical name of a resource. Ref returns this name, except for the type _REF_IS_ARN.
_NAMES = {
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "PolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::RolePolicy": "PolicyName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::S3::BucketPolicy": "Bucket",
}
_REF_IS_ARN = "AWS::IAM::ManagedPolicy"
# A name that CloudFormation makes up for this type is in lower case.
_LOWER = "AWS::S3::Bucket"
_ID = uuid.UUID("6f1c4b1e-6a0c-5f0e-9d64-2f3f0a3a9d11")


@dataclass(frozen=True)
class RenderedResource:
    """
    One resource of a stack.

    :param name: its physical name, which Ref returns for most types.
    :param arn: its ARN; empty if the simulator knows none for its type.
    :param properties: its properties without functions. Their form depends on the type.
    """

    type: str
    name: str
    arn: str
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RenderedStack:
    """The resources of a stack by logical id, in the order of the template, and its outputs by name."""

    name: str
    resources: dict[str, RenderedResource]
    outputs: dict[str, str]


def render(
    path: Path, parameters: Mapping[str, str], *, stack_name: str | None = None, region: str = REGION
) -> RenderedStack:
    """Render a template with the values of its parameters.

    :param stack_name: the default is the stem of the file's name.
    :raises StackError: the template or a parameter is not valid, or it needs something that the simulator lacks.
    """
    template = read_yaml(path)
    try:
        return _Renderer(template, parameters, stack_name or path.stem, region).stack()
    except StackError as error:
        raise StackError(f"{path}: {str(error).rstrip('.')}.") from None


class _Renderer:
    def __init__(self, template: dict[str, Any], parameters: Mapping[str, str], stack_name: str, region: str) -> None:
        if unknown := sorted(map(str, template.keys() - _SECTIONS)):
            raise StackError(f"the AWS simulator does not know the section {unknown[0]}")
        self._declared = _section(template, "Resources")
        if not self._declared:
            raise StackError("Template format error: At least one Resources member must be defined")
        self._outputs = _section(template, "Outputs")
        self._stack_name = stack_name
        values = read_parameters(_section(template, "Parameters"), parameters)
        check_rules(_section(template, "Rules"), values)
        self._values = {
            **values,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": region,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{ACCOUNT_ID}:stack/{stack_name}/{self._id('')}",
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        conditions, mappings = _section(template, "Conditions"), _section(template, "Mappings")
        self._functions = Functions(conditions, mappings, self._reference, self._attribute)
        self._naming: list[str] = []
        for name in conditions:  # a condition that nothing uses must be valid too
            self._functions.holds(name, f"Conditions.{name}")

    def stack(self) -> RenderedStack:
        resources = {name: self._resource(name) for name in self._declared if self._exists(name)}
        outputs = {
            name: as_text(self._functions.resolve(output.get("Value"), f"Outputs.{name}"))
            for name, output in self._outputs.items()
            if "Condition" not in output or self._functions.holds(output["Condition"], f"Outputs.{name}")
        }
        return RenderedStack(self._stack_name, resources, outputs)

    def _exists(self, name: str) -> bool:
        declared = self._declared.get(name)
        if declared is None:
            return False
        if unknown := sorted(map(str, declared.keys() - _RESOURCE)):
            raise StackError(f"Resources.{name}: the AWS simulator does not know the attribute {unknown[0]}")
        return "Condition" not in declared or self._functions.holds(declared["Condition"], f"Resources.{name}")

    def _resource(self, name: str) -> RenderedResource:
        declared = self._declared[name]
        where = f"Resources.{name}.Properties"
        properties = self._functions.resolve(declared.get("Properties", {}), where)
        return RenderedResource(self._type(name), self._name(name), self._arn(name), properties)

    def _reference(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if not self._exists(name):
            raise LookupError(name)
        return self._arn(name) if self._type(name) == _REF_IS_ARN else self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if not self._exists(name):
            raise LookupError(name)
        kind = self._type(name)
        arn = self._arn(name)
        if arn and attribute == ("PolicyArn" if kind == _REF_IS_ARN else "Arn"):
            return arn
        if kind == "AWS::KMS::Key" and attribute == "KeyId":
            return self._name(name)
        if kind == "AWS::S3::Bucket" and attribute == "DomainName":
            return f"{self._name(name)}.s3.amazonaws.com"
        raise LookupError(attribute)

    def _type(self, name: str) -> str:
        return as_text(self._declared[name].get("Type", ""))

    def _property(self, name: str, key: str) -> Any:
        """Return one property of a resource; NO_VALUE if it is absent."""
        if name in self._naming:
            raise StackError(f"Resources.{name}: its name depends on itself")
        self._naming.append(name)
        try:
            declared = self._declared[name].get("Properties", {})
            return self._functions.resolve(declared.get(key, {"Ref": "AWS::NoValue"}), f"Resources.{name}.{key}")
        finally:
            self._naming.pop()

    def _name(self, name: str) -> str:
        kind = self._type(name)
        if kind == "AWS::KMS::Key":
            return self._id(name)
        key = _NAMES.get(kind)
        given = self._property(name, key) if key else NO_VALUE
        if given is not NO_VALUE:
            return as_text(given)
        made = f"{self._stack_name}-{name}-{self._id(name)[:12]}"
        return made.lower() if kind == _LOWER else made

    def _arn(self, name: str) -> str:
        kind, physical = self._type(name), self._name(name)
        if kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
            given = self._property(name, "Path")
            path = "/" if given is NO_VALUE else as_text(given)
            return f"arn:aws:iam::{ACCOUNT_ID}:{'role' if kind == 'AWS::IAM::Role' else 'policy'}{path}{physical}"
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{physical}"
        if kind == "AWS::KMS::Key":
            return f"arn:aws:kms:{self._values['AWS::Region']}:{ACCOUNT_ID}:key/{physical}"
        return ""

    def _id(self, name: str) -> str:
        """Return an id that is the same at each start."""
        return str(uuid.uuid5(_ID, f"{self._stack_name}/{name}"))


def _section(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = template.get(name) or {}
    if not isinstance(section, dict):
        raise StackError(f"{name}: an object is needed here")
    if name in ("Resources", "Outputs", "Parameters"):
        for key, value in section.items():
            if not isinstance(value, dict):
                raise StackError(f"{name}.{key}: an object is needed here")
    return section
