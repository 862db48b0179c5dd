"""Find, buy, stop and delete evaluation jobs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bedrock_distill.hooks.aws import tag_list
from bedrock_distill.hooks.named_jobs import ListedJob, NamedJob, NamedJobs
from bedrock_distill.hooks.statuses import EVALUATION_STATUS, Progress
from include.distill.managed_evaluation.records import EvaluationConfig


@dataclass(frozen=True)
class EvaluationJob(NamedJob):
    """
    An evaluation job as GetEvaluationJob describes it.

    :ivar dataset_uri: location of the job's first dataset; empty for one of Bedrock's own datasets.
    """

    noun: ClassVar[str] = "evaluation job"
    statuses: ClassVar[Mapping[str, Progress]] = EVALUATION_STATUS

    role_arn: str
    dataset_uri: str

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> EvaluationJob:
        """Create the record from Bedrock's response."""
        config = answer["evaluationConfig"]
        datasets = config["human" if "human" in config else "automated"]["datasetMetricConfigs"]
        dataset = datasets[0]["dataset"] if datasets else {}
        return cls(
            name=answer["jobName"],
            arn=answer["jobArn"],
            status=answer["status"],
            created=answer["creationTime"],
            role_arn=answer["roleArn"],
            dataset_uri=(dataset.get("datasetLocation") or {}).get("s3Uri", ""),
            output_uri=answer["outputDataConfig"]["s3Uri"],
            message="; ".join(answer.get("failureMessages") or []) or None,
            kms_key_arn=answer.get("customerEncryptionKeyId"),
        )


@dataclass(frozen=True)
class EvaluationJobRequest:
    """
    The settings of an evaluation job to buy.

    :ivar config: what the job scores, without the location of the dataset.
    :ivar sources: the model identifiers in the dataset. The job scores the answers that the dataset contains, and calls
        no model for answers. Therefore, no endpoint is needed.
    :ivar kms_key_arn: the key that encrypts the data of the job; ``None`` for AWS's own key.
    """

    name: str
    token: str
    role_arn: str
    config: EvaluationConfig
    sources: tuple[str, ...]
    dataset_uri: str
    output_uri: str
    tags: Mapping[str, str]
    kms_key_arn: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of CreateEvaluationJob."""
        config: dict[str, Any] = copy.deepcopy(dict(self.config))
        for part in config.values():
            for dataset in part["datasetMetricConfigs"]:
                dataset["dataset"]["datasetLocation"] = {"s3Uri": self.dataset_uri}
        models = [{"precomputedInferenceSource": {"inferenceSourceIdentifier": source}} for source in self.sources]
        key = {"customerEncryptionKeyId": self.kms_key_arn} if self.kms_key_arn else {}
        return {
            "jobName": self.name,
            "clientRequestToken": self.token,
            "roleArn": self.role_arn,
            "applicationType": "ModelEvaluation",
            "evaluationConfig": config,
            "inferenceConfig": {"models": models},
            "outputDataConfig": {"s3Uri": self.output_uri},
            "jobTags": tag_list(self.tags),
            **key,
        }


class EvaluationJobs(NamedJobs[EvaluationJob, EvaluationJobRequest]):
    """Find, create, stop and delete evaluation jobs. Bedrock can list them by a part of their names."""

    def list(self, name_contains: str | None = None) -> Iterator[ListedJob]:
        """Yield the evaluation jobs of the account in this Region, whoever created them."""
        filters = {"nameContains": name_contains} if name_contains else {}
        for summary in self._clients.paginate("list_evaluation_jobs", "jobSummaries", **filters):
            yield ListedJob(summary["jobName"], summary["jobArn"], summary["status"], summary["creationTime"])

    def create(self, request: EvaluationJobRequest) -> str:
        """Buy a job and return its ARN."""
        answer = self._clients.call("bedrock", "create_evaluation_job", request.name, **request.parameters())
        return str(answer["jobArn"])

    def _with_name(self, name: str) -> Iterable[ListedJob]:
        return (job for job in self.list(name) if job.name == name)

    def _describe(self, arn: str) -> EvaluationJob:
        answer = self._clients.call("bedrock", "get_evaluation_job", arn, jobIdentifier=arn)
        return EvaluationJob.from_response(answer)

    def _stop(self, arn: str) -> None:
        self._clients.call("bedrock", "stop_evaluation_job", arn, jobIdentifier=arn)

    def _delete(self, arns: tuple[str, ...]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._clients.call(
            "bedrock", "batch_delete_evaluation_job", arns[0], jobIdentifiers=[*arns]
        )
        return answer
