"""
Create and update the stacks of the simulated account.

The simulator does this at each start. What a template describes replaces what the account has; everything else in the
account stays as it is. Unlike CloudFormation, nothing is deleted that a former version of the template had.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

from tools.aws_simulator.s3.bucket_policies import check_policy
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.stacks.buckets import location, settings
from tools.aws_simulator.stacks.clashes import check_clashes
from tools.aws_simulator.stacks.deployments import Deployment, render_deployment
from tools.aws_simulator.stacks.identities import Identities, of_type
from tools.aws_simulator.stacks.policy_faults import check_document
from tools.aws_simulator.stacks.properties import check_known, document_of, text_of
from tools.aws_simulator.stacks.template import RenderedResource, RenderedStack
from tools.aws_simulator.stacks.yaml_files import StackError

logger = logging.getLogger(__name__)
_ROLE, _MANAGED = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
_INLINE = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
_BUCKET, _BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
# The simulator has no KMS. A key gets an ARN, and policies may name it.
_WITHOUT_EFFECT = ("AWS::KMS::Alias", "AWS::KMS::Key")
_KNOWN = frozenset({_ROLE, _MANAGED, *_INLINE, _BUCKET, _BUCKET_POLICY, *_WITHOUT_EFFECT})


class Buckets(Protocol):
    """The part of the simulated S3 that stacks need."""

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if it does not exist."""

    def configure(self, bucket: str, query: str, body: bytes) -> None:
        """Answer a PUT request of the owner. Without a query, it creates the bucket.

        :raises S3Error: the request is refused.
        """


def load_stacks(paths: Iterable[Path], iam: Iam, s3: Buckets) -> None:
    """Create or update the stacks that templates or stack deployment files describe.

    :raises StackError: a file or one of its resources is not valid. The message names the file, the resource and the
        property. Files before this one, and the roles and policies of this one, may already have been loaded.
    """
    # Most errors in files are found before anything changes.
    rendered = [(path, *render_deployment(path)) for path in paths]
    names: set[str] = set()
    for path, stack, _ in rendered:
        if stack.name in names:
            raise StackError(f"{path}: another file has the name {stack.name} too. Stacks need different names.")
        names.add(stack.name)
    check_clashes((path, stack) for path, stack, _ in rendered)
    for path, stack, deployment in rendered:
        try:
            _load(stack, deployment, iam, s3)
        except StackError as error:
            raise StackError(f"{path}: {str(error).rstrip('.')}.") from None


def _load(stack: RenderedStack, deployment: Deployment, iam: Iam, s3: Buckets) -> None:
    for name, resource in stack.resources.items():
        if resource.type not in _KNOWN:
            raise StackError(f"Resources.{name}: the AWS simulator does not have the type {resource.type}")
        if resource.type in _WITHOUT_EFFECT:
            logger.info("The %s %s of the stack %s has a name only.", resource.type, name, stack.name)
    identities = Identities(iam)
    for where, resource in of_type(stack.resources, _ROLE):
        identities.put_role(where, resource, deployment.tags)
    for where, resource in of_type(stack.resources, _MANAGED):
        identities.put_managed_policy(where, resource)
        identities.attach(where, resource)
    for where, resource in of_type(stack.resources, *_INLINE):
        identities.put_inline_policy(where, resource)
    for where, resource in of_type(stack.resources, _ROLE):
        identities.check_role(where, resource)
    identities.store()
    for where, resource in of_type(stack.resources, _BUCKET):
        _put_bucket(where, resource, deployment, s3)
    for where, resource in of_type(stack.resources, _BUCKET_POLICY):
        check_known(where, resource.properties, ("Bucket", "PolicyDocument"))
        place, bucket = f"{where}.PolicyDocument", text_of(where, resource.properties, "Bucket")
        document = document_of(where, resource.properties, "PolicyDocument")
        check_document(place, document, partial(_check_bucket_policy, bucket))
        _configure(place, s3, bucket, "policy", document.encode())


def _put_bucket(where: str, resource: RenderedResource, deployment: Deployment, s3: Buckets) -> None:
    requests = list(settings(where, resource.properties, deployment.tags))
    if s3.bucket_region(resource.name) is None:
        _configure(f"{where}.BucketName", s3, resource.name, "", location(deployment.region))
    for name, query, body in requests:
        _configure(f"{where}.{name}", s3, resource.name, query, body)


def _check_bucket_policy(bucket: str, text: str) -> None:
    check_policy(bucket, text.encode())


def _configure(where: str, s3: Buckets, bucket: str, query: str, body: bytes) -> None:
    try:
        s3.configure(bucket, query, body)
    except S3Error as error:
        raise StackError(f"{where}: {error.code}: {error}") from None
