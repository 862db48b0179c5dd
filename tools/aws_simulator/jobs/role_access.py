"""
Let a job use S3 and models with the permissions of its role only.

If the role may not read an object, the object does not exist for the job. The job then fails with the message that AWS
gives for missing permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.aws_simulator.account.calls import ACCOUNT_ID, foundation_model_arn
from tools.aws_simulator.jobs.job_files import S3Access
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.services.roles import Roles

INVOKE = "bedrock:InvokeModel"


@dataclass(frozen=True)
class RoleAccess:
    """S3 as the role of one job sees it. It implements :class:`S3AsRole`."""

    s3: S3Access
    roles: Roles
    role_arn: str
    job_arn: str

    @property
    def _region(self) -> str:
        return self.job_arn.split(":")[3]

    @property
    def _source(self) -> Mapping[str, str]:
        """The keys for the conditions of policies that say for which resource Bedrock uses the role."""
        return {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": self.job_arn}

    def may(self, action: str, resource: str, **keys: str) -> bool:
        """Return whether the role may do an action. ``keys`` are further keys for the conditions of policies."""
        return self.roles.allows(self.role_arn, action, resource, self._region, {**self._source, **keys})

    def _may_in(self, bucket: str, action: str, resource: str) -> bool:
        """Return whether the role and the bucket's policy allow an action in the bucket."""
        policy = self.s3.bucket_policy(bucket)
        return self.roles.allows(self.role_arn, action, resource, self._region, self._source, resource_policy=policy)

    def may_read(self, bucket: str, key: str) -> bool:
        """Return whether the role may read an object."""
        return self._may_in(bucket, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")

    def may_write(self, bucket: str, key: str) -> bool:
        """Return whether the role may write an object."""
        return self._may_in(bucket, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")

    def may_list(self, bucket: str) -> bool:
        """Return whether the role may list a bucket."""
        return self._may_in(bucket, "s3:ListBucket", f"arn:aws:s3:::{bucket}")

    def may_invoke(self, model_id: str, base_id: str, action: str = INVOKE) -> bool:
        """Return whether the role may invoke the inference profile ``model_id`` and the model behind it."""
        path = f"arn:aws:bedrock:{self._region}:{ACCOUNT_ID}:inference-profile"
        profile = model_id if model_id.startswith("arn:") else f"{path}/{model_id}"
        # A policy can allow the model only through the profile:
        # https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
        model, through = foundation_model_arn(self._region, base_id), {"bedrock:InferenceProfileArn": profile}
        return self.may(action, profile) and self.may(action, model, **through)

    def check_profile(self, model_id: str, base_id: str) -> None:
        """
        Check that the role may invoke the model ``base_id`` under the id or ARN ``model_id`` that the job names.

        A role needs bedrock:InvokeModel only for an inference profile:
        https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html and
        https://docs.aws.amazon.com/bedrock/latest/userguide/prequisites-model-distillation.html

        :raises DataFaultError: the permission is missing. The message is UNVERIFIED.
        """
        if base_id not in (model_id, model_id.rpartition("/")[2]) and not self.may_invoke(model_id, base_id):
            raise DataFaultError(
                f"The role {self.role_arn} is not authorized to perform: bedrock:InvokeModel on {model_id}"
            )

    def may_use_model(self, identifier: str, base_id: str, action: str = INVOKE) -> bool:
        """Return whether the role may invoke a model, profile or throughput that serves the model ``base_id``."""
        if ":provisioned-model/" in identifier:
            return self.may(action, identifier)
        if base_id in (identifier, identifier.rpartition("/")[2]):
            return self.may(action, foundation_model_arn(self._region, base_id))
        return self.may_invoke(identifier, base_id, action)

    def cors_allows(self, bucket: str, method: str, origin: str) -> bool:
        """Return whether the CORS configuration of a bucket lets pages of an origin use a method."""
        return self.s3.cors_allows(bucket, method, origin)

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""
        return self.s3.bucket_region(bucket)

    def bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket as JSON; None if it has none."""
        return self.s3.bucket_policy(bucket)

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the body of an object; None if it does not exist or the role may not read it."""
        return self.s3.read(bucket, key) if self.may_read(bucket, key) else None

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys that begin with ``prefix``; an empty list if the role may not list the bucket."""
        return self.s3.keys(bucket, prefix) if self.may_list(bucket) else []

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        """Write an object. The permission is not checked here, because the job checks it before it begins its work."""
        self.s3.write(bucket, key, body, kms_key)
