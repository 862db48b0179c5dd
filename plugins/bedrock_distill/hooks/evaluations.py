"""Find, buy, stop and delete evaluation jobs."""

from __future__ import annotations

import contextlib
import copy
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bedrock_distill.hooks.aws import AwsClients, tag_list
from bedrock_distill.hooks.statuses import EVALUATION_STATUS, Progress, job_progress
from include.distill.core.errors import ConflictError, NotFoundError
from include.distill.managed_evaluation.records import EvaluationConfig

_MOST_DELETED = 25  # the most jobs that one BatchDeleteEvaluationJob may name


@dataclass(frozen=True)
class EvaluationJob:
    """
    An evaluation job as GetEvaluationJob describes it.

    :ivar dataset_uri: location of the job's first dataset; empty for one of Bedrock's own datasets.
    :ivar message: Bedrock's reasons for a failure; ``None`` if Bedrock gives no reason.
    """

    name: str
    arn: str
    status: str
    created: datetime.datetime
    role_arn: str
    dataset_uri: str
    output_uri: str
    message: str | None = None

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> EvaluationJob:
        """Create the record from Bedrock's response."""
        config = answer["evaluationConfig"]
        dataset = config["human" if "human" in config else "automated"]["datasetMetricConfigs"][0]["dataset"]
        return cls(
            name=answer["jobName"],
            arn=answer["jobArn"],
            status=answer["status"],
            created=answer["creationTime"],
            role_arn=answer["roleArn"],
            dataset_uri=(dataset.get("datasetLocation") or {}).get("s3Uri", ""),
            output_uri=answer["outputDataConfig"]["s3Uri"],
            message="; ".join(answer.get("failureMessages") or []) or None,
        )

    @property
    def progress(self) -> Progress:
        """Whether the job is running, has succeeded or has failed.

        :raises ContractError: the status is unknown to this pipeline.
        """
        return job_progress(f"Evaluation job {self.name}", self.status, EVALUATION_STATUS)


@dataclass(frozen=True)
class ListedEvaluationJob:
    """An evaluation job as ListEvaluationJobs describes it."""

    name: str
    arn: str
    status: str
    created: datetime.datetime


@dataclass(frozen=True)
class EvaluationJobRequest:
    """
    The settings of an evaluation job to buy.

    :ivar config: what the job scores, without the location of the dataset.
    :ivar sources: the model identifiers in the dataset. The job scores the answers that the dataset contains, and calls
        no model for answers. Therefore, no endpoint is needed.
    """

    name: str
    token: str
    role_arn: str
    config: EvaluationConfig
    sources: tuple[str, ...]
    dataset_uri: str
    output_uri: str
    tags: Mapping[str, str]

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of CreateEvaluationJob."""
        config: dict[str, Any] = copy.deepcopy(dict(self.config))
        for part in config.values():
            for dataset in part["datasetMetricConfigs"]:
                dataset["dataset"]["datasetLocation"] = {"s3Uri": self.dataset_uri}
        models = [{"precomputedInferenceSource": {"inferenceSourceIdentifier": source}} for source in self.sources]
        return {
            "jobName": self.name,
            "clientRequestToken": self.token,
            "roleArn": self.role_arn,
            "applicationType": "ModelEvaluation",
            "evaluationConfig": config,
            "inferenceConfig": {"models": models},
            "outputDataConfig": {"s3Uri": self.output_uri},
            "jobTags": tag_list(self.tags),
        }


class EvaluationJobs:
    """Find, create, stop and delete evaluation jobs. Bedrock looks up a job only by ARN, but can list jobs by name."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def get(self, arn: str) -> EvaluationJob | None:
        """Return a job by its ARN; ``None`` if it does not exist, for example because it was deleted."""
        try:
            answer = self._clients.call("bedrock", "get_evaluation_job", arn, jobIdentifier=arn)
        except NotFoundError:
            return None
        return EvaluationJob.from_response(answer)

    def find(self, name: str) -> EvaluationJob | None:
        """Return the newest job with exactly this name, or ``None`` if no job has this name."""
        matching = [job for job in self.list(name) if job.name == name]
        return self.get(max(matching, key=lambda job: job.created).arn) if matching else None

    def list(self, name_contains: str | None = None) -> Iterator[ListedEvaluationJob]:
        """Yield the evaluation jobs of the account in this Region, whoever created them."""
        filters = {"nameContains": name_contains} if name_contains else {}
        for summary in self._clients.paginate("list_evaluation_jobs", "jobSummaries", **filters):
            yield ListedEvaluationJob(summary["jobName"], summary["jobArn"], summary["status"], summary["creationTime"])

    def create(self, request: EvaluationJobRequest) -> str:
        """Buy a job and return its ARN."""
        answer = self._clients.call("bedrock", "create_evaluation_job", request.name, **request.parameters())
        return str(answer["jobArn"])

    def stop(self, arn: str) -> None:
        """Stop a running job; do nothing if it has ended or does not exist. The scores so far are billed."""
        with contextlib.suppress(ConflictError, NotFoundError):
            self._clients.call("bedrock", "stop_evaluation_job", arn, jobIdentifier=arn)

    def delete(self, arns: Sequence[str]) -> dict[str, str]:
        """
        Delete jobs that have ended. Their results in S3 stay.

        :return: Bedrock's reason for each job that was not deleted, by ARN. A job that does not exist has no entry.
        """
        reasons: dict[str, str] = {}
        for start in range(0, len(arns), _MOST_DELETED):
            part = list(arns[start : start + _MOST_DELETED])
            answer = self._clients.call("bedrock", "batch_delete_evaluation_job", part[0], jobIdentifiers=part)
            for error in answer.get("errors") or []:
                if error.get("code") != "ResourceNotFoundException":
                    reasons[error["jobIdentifier"]] = f"{error.get('code')}: {error.get('message', 'no reason given')}"
        return reasons
