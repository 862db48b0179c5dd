"""Find, buy and stop batch jobs (Bedrock's model invocation jobs)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_distill.hooks.aws import AwsClients, tag_list
from bedrock_distill.hooks.statuses import BATCH_STATUS, Progress, job_progress
from include.distill.config.company import Vpc
from include.distill.core.errors import ConflictError, NotFoundError
from include.distill.inference.requests import from_simulator


@dataclass(frozen=True)
class BatchJob:
    """A batch job as GetModelInvocationJob describes it. ``simulated`` means that the AWS simulator runs it."""

    name: str
    arn: str
    status: str
    message: str | None = None
    processed: int = 0
    successes: int = 0
    total: int = 0
    simulated: bool = False
    role_arn: str = ""
    input_uri: str = ""
    output_uri: str = ""
    kms_key_arn: str | None = None

    @classmethod
    def from_response(cls, answer: Mapping[str, Any], *, simulated: bool) -> BatchJob:
        """Create the record from Bedrock's response."""
        return cls(
            name=answer["jobName"],
            arn=answer["jobArn"],
            status=answer["status"],
            message=answer.get("message"),
            processed=answer.get("processedRecordCount", 0),
            successes=answer.get("successRecordCount", 0),
            total=answer.get("totalRecordCount", 0),
            simulated=simulated,
            role_arn=answer["roleArn"],
            input_uri=answer["inputDataConfig"]["s3InputDataConfig"]["s3Uri"],
            output_uri=answer["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"],
            kms_key_arn=answer["outputDataConfig"]["s3OutputDataConfig"].get("s3EncryptionKeyId"),
        )

    @property
    def id(self) -> str:
        """The last part of the ARN, which is also the name of the job's output folder."""
        return self.arn.rpartition("/")[2]

    @property
    def progress(self) -> Progress:
        """Whether the job is running, has succeeded or has failed.

        :raises ContractError: the status is unknown to this pipeline.
        """
        return job_progress(f"Batch job {self.name}", self.status, BATCH_STATUS)


@dataclass(frozen=True)
class BatchJobRequest:
    """
    The settings of a batch job to buy.

    :ivar kms_key_arn: the key that encrypts the answers in S3; ``None`` for the setting of the bucket.
    """

    name: str
    token: str
    model_id: str
    invocation_type: str
    role_arn: str
    input_uri: str
    output_uri: str
    timeout_hours: int
    tags: Mapping[str, str]
    kms_key_arn: str | None = None
    vpc: Vpc | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of CreateModelInvocationJob."""
        output = {"s3Uri": self.output_uri}
        if self.kms_key_arn:
            output["s3EncryptionKeyId"] = self.kms_key_arn
        parameters: dict[str, Any] = {
            "jobName": self.name,
            "clientRequestToken": self.token,
            "modelId": self.model_id,
            "modelInvocationType": self.invocation_type,
            "roleArn": self.role_arn,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": self.input_uri, "s3InputFormat": "JSONL"}},
            "outputDataConfig": {"s3OutputDataConfig": output},
            "timeoutDurationInHours": self.timeout_hours,
            "tags": tag_list(self.tags),
        }
        if self.vpc:
            parameters["vpcConfig"] = self.vpc.config
        return parameters


class BatchJobs:
    """Find, create and stop batch jobs. Bedrock looks up or stops a job only by ARN, but can list jobs by name."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def get(self, arn: str) -> BatchJob:
        """Return a job by its ARN.

        :raises NotFoundError: there is no such job.
        """
        answer = self._clients.call("bedrock", "get_model_invocation_job", arn, jobIdentifier=arn)
        return BatchJob.from_response(answer, simulated=from_simulator(answer))

    def find(self, name: str) -> BatchJob | None:
        """Return the newest job with exactly this name, or ``None`` if no job has this name."""
        listed = self._clients.paginate("list_model_invocation_jobs", "invocationJobSummaries", nameContains=name)
        matching = [summary for summary in listed if summary["jobName"] == name]
        return self.get(max(matching, key=lambda summary: summary["submitTime"])["jobArn"]) if matching else None

    def create(self, request: BatchJobRequest) -> str:
        """Buy a job and return its ARN."""
        answer = self._clients.call("bedrock", "create_model_invocation_job", request.name, **request.parameters())
        return str(answer["jobArn"])

    def stop(self, arn: str) -> None:
        """Stop a running job; do nothing if it has ended or does not exist. The records answered so far are billed."""
        with contextlib.suppress(ConflictError, NotFoundError):
            self._clients.call("bedrock", "stop_model_invocation_job", arn, jobIdentifier=arn)
