"""
Store the configuration of model invocation logging. An account has one configuration per Region.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.policies import AccessRequest, decide
from tools.aws_simulator.account.calls import ACCOUNT_ID, Call
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.services.roles import BEDROCK, Roles

# When a bucket is configured, Bedrock writes this empty object to check that it may write there. Public programs that
# read the logs skip objects with this name.
_CHECK = "amazon-bedrock-logs-permission-check"


class LogBuckets(Protocol):
    """The operations of the simulated S3 that logging uses."""

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""

    def bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket as JSON; None if it has none."""

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object."""


def log_prefix(s3_config: dict[str, str], region: str) -> str:
    """Return the beginning of the keys of all objects that logging writes for a Region."""
    prefix = s3_config.get("keyPrefix", "").strip("/")
    return f"{prefix}/" * bool(prefix) + f"AWSLogs/{ACCOUNT_ID}/BedrockModelInvocationLogs/{region}"


class LoggingConfiguration:
    """The operations on the configuration of model invocation logging."""

    def __init__(self, state: State, s3: LogBuckets, roles: Roles) -> None:
        self._state = state
        self._s3 = s3
        self._roles = roles

    def current(self, region: str) -> dict[str, Any] | None:
        """Return the configuration of a Region; None if logging is off."""
        configuration: dict[str, Any] | None = self._state.load(f"invocation_logging:{region}", None)
        return configuration

    async def put(self, call: Call) -> dict[str, Any]:
        """Handle PutModelInvocationLoggingConfiguration."""
        given = call.arguments["loggingConfig"]
        cloud_watch = given.get("cloudWatchConfig", {})
        for s3_config in (given.get("s3Config"), cloud_watch.get("largeDataDeliveryS3Config")):
            if s3_config:
                await asyncio.to_thread(self._check_bucket, s3_config, call.region)
        if cloud_watch:
            self._check_log_group(cloud_watch, call.region)
        self._state.store(f"invocation_logging:{call.region}", given)
        return {}

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetModelInvocationLoggingConfiguration."""
        current = self.current(call.region)
        return {"loggingConfig": current} if current else {}

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteModelInvocationLoggingConfiguration."""
        self._state.store(f"invocation_logging:{call.region}", None)
        return {}

    def _check_bucket(self, s3_config: dict[str, str], region: str) -> None:
        """Check that the policy of a bucket lets Bedrock write logs, and write an empty test object to the bucket.

        :raises ValidationException: the bucket is not in the Region, or its policy does not let Bedrock write. Only the
            first words of the message are known to be AWS's.
        """
        bucket, key = s3_config["bucketName"], f"{log_prefix(s3_config, region)}/{_CHECK}"
        policy = self._s3.bucket_policy(bucket) if self._s3.bucket_region(bucket) == region else None
        context = {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:*"}
        request = AccessRequest("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", BEDROCK, context)
        try:
            allowed = policy is not None and decide([json.loads(policy)], request) == "allowed"
        except PolicyError:
            allowed = False
        if not allowed:
            raise ValidationException(
                f"Failed to validate permissions for bucket: {bucket}. Verify that the bucket is in {region}, and that"
                " its policy allows bedrock.amazonaws.com to put objects."
            )
        self._s3.write(bucket, key, b"")

    def _check_log_group(self, cloud_watch: dict[str, Any], region: str) -> None:
        """Check that Bedrock may assume the role, and that the role may write to the log group.

        :raises ValidationException: Bedrock or the role lacks the permission. Source of the message:
            https://github.com/alphagov/govuk-infrastructure/pull/2440
        """
        group, role = cloud_watch["logGroupName"], cloud_watch["roleArn"]
        stream = f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{group}:log-stream:aws/bedrock/modelinvocations"
        refusal = ValidationException(
            f"Failed to validate permissions for log group: {group}, with role: {role}. Verify the IAM role permissions"
            " are correct."
        )
        try:
            self._roles.check_assumable(role, f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:*", region)
        except ValidationException:
            raise refusal from None
        actions = ("logs:CreateLogStream", "logs:PutLogEvents")
        if not all(self._roles.allows(role, action, stream, region) for action in actions):
            raise refusal
