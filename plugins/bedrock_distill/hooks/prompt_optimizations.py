"""Find, buy, stop and delete prompt optimization jobs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bedrock_distill.hooks.aws import tag_list
from bedrock_distill.hooks.named_jobs import ListedJob, NamedJob, NamedJobs
from bedrock_distill.hooks.statuses import OPTIMIZATION_STATUS, Progress

if TYPE_CHECKING:
    from include.distill.prompt_optimization.plan import ModelConfiguration

# The youngest operations that the pipeline calls: botocore 1.43.10 has them, and 1.42.90 does not.
CREATE_OPERATION = "create_advanced_prompt_optimization_job"
LIST_OPERATION = "list_advanced_prompt_optimization_jobs"
_MOST_LISTED = 1_000  # the most jobs on one page, so that a look-up by name needs few requests


@dataclass(frozen=True)
class OptimizationJob(NamedJob):
    """
    A prompt optimization job as GetAdvancedPromptOptimizationJob describes it.

    :ivar model_ids: the models for which the job optimizes the prompt.
    """

    noun: ClassVar[str] = "prompt optimization job"
    statuses: ClassVar[Mapping[str, Progress]] = OPTIMIZATION_STATUS

    input_uri: str
    model_ids: tuple[str, ...]

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> OptimizationJob:
        """Create the record from Bedrock's response."""
        return cls(
            name=answer["jobName"],
            arn=answer["jobArn"],
            status=answer["jobStatus"],
            created=answer["creationTime"],
            input_uri=answer["inputConfig"]["s3Uri"],
            output_uri=answer["outputConfig"]["s3Uri"],
            model_ids=tuple(model["modelId"] for model in answer["modelConfigurations"]),
            message=answer.get("failureMessage") or None,
            kms_key_arn=answer.get("encryptionKeyArn"),
        )


@dataclass(frozen=True)
class OptimizationJobRequest:
    """
    The settings of a prompt optimization job to buy. The job has no role: it uses the credentials of the caller.

    :ivar input_uri: the file with the prompt and its samples.
    :ivar output_uri: the prefix of the results. It ends with a slash, as Bedrock demands.
    :ivar model: the model whose answers the job improves, and how it answers.
    :ivar kms_key_arn: the key that encrypts the data of the job; ``None`` for AWS's own key.
    """

    name: str
    token: str
    model: ModelConfiguration
    input_uri: str
    output_uri: str
    tags: Mapping[str, str]
    kms_key_arn: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of CreateAdvancedPromptOptimizationJob."""
        key = {"encryptionKeyArn": self.kms_key_arn} if self.kms_key_arn else {}
        return {
            "jobName": self.name,
            "clientToken": self.token,
            "inputConfig": {"s3Uri": self.input_uri},
            "outputConfig": {"s3Uri": self.output_uri},
            "modelConfigurations": [self.model],
            "tags": tag_list(self.tags),
            **key,
        }


class PromptOptimizationJobs(NamedJobs[OptimizationJob, OptimizationJobRequest]):
    """
    Find, create, stop and delete prompt optimization jobs.

    Bedrock cannot filter its list of jobs by name, so a look-up by name reads the list until the name is found.
    """

    def list(self) -> Iterator[ListedJob]:
        """Yield the prompt optimization jobs of the account in this Region, whoever created them, the newest first."""
        jobs = self._clients.paginate(
            "list_advanced_prompt_optimization_jobs",
            "jobSummaries",
            maxResults=_MOST_LISTED,
            sortBy="CreationTime",
            sortOrder="Descending",
        )
        for job in jobs:
            yield ListedJob(job["jobName"], job["jobArn"], job["jobStatus"], job["creationTime"])

    def create(self, request: OptimizationJobRequest) -> str:
        """Buy a job and return its ARN."""
        answer = self._clients.call(
            "bedrock", "create_advanced_prompt_optimization_job", request.name, **request.parameters()
        )
        return str(answer["jobArn"])

    def _with_name(self, name: str) -> Iterator[ListedJob]:
        # The first job with the name is the newest one, so the older jobs are not read.
        return itertools.islice(super()._with_name(name), 1)

    def _describe(self, arn: str) -> OptimizationJob:
        answer = self._clients.call("bedrock", "get_advanced_prompt_optimization_job", arn, jobIdentifier=arn)
        return OptimizationJob.from_response(answer)

    def _stop(self, arn: str) -> None:
        self._clients.call("bedrock", "stop_advanced_prompt_optimization_job", arn, jobIdentifier=arn)

    def _delete(self, arns: tuple[str, ...]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._clients.call(
            "bedrock", "batch_delete_advanced_prompt_optimization_job", arns[0], jobIdentifiers=[*arns]
        )
        return answer
