"""
Check that a resource with an expected name belongs to this run, before a task uses, stops or deletes it.

Another environment, another team or a person may have a resource with the same name in the account. So a name proves
nothing. A resource is ours if its own description agrees with the run: the role, the S3 locations, the model and the
tags.

Version 0.1 of this pipeline did not have environments. It used other names, which are called former names here, and
no tag ``environment``. Several installations in an account computed the same former name. So a resource under a former
name is ours only if, in addition, its training data is below the root of this run. If a resource with a former name is
not ours, it is ignored, because this run buys under another name. If a resource with a current name is not ours, this
is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar, cast

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobs
from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob, Throughput
from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, PromptOptimizationJobs
from bedrock_distill.lifecycle.endpoints import THROUGHPUT, AnyEndpoint, EndpointKind
from bedrock_distill.run.task_ids import PREFLIGHT
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.tag_values import from_tags
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import FAILED_TASK, RefusedError
from include.distill.core.naming import Names, is_former_job_name, is_former_throughput_name
from include.distill.training.job_identity import student_base_model_id

log = logging.getLogger(__name__)

_PREFLIGHT = task_to_clear(PREFLIGHT)
# A new run is needed, because this run's folder belongs to the old environment, so a cleared task would be refused.
_OTHER_INSTALLATION = (
    "If it belongs to another installation, give each installation its own DISTILL_ENVIRONMENT, and trigger a new run."
)

_TAGS_OF_OWNER = ("environment", "use-case", "dag-id", "run-id")


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def arn(self) -> str: ...


ResourceT = TypeVar("ResourceT", bound=_Named)


class Candidate(NamedTuple):
    """A name under which a resource may exist, and whether only version 0.1 used the name."""

    name: str
    is_former: bool


@dataclass(frozen=True)
class Ownership:
    """Find the resources of a run by their names. Ignore or refuse those of another environment or run."""

    hook: BedrockDistillHook
    use_case: UseCase
    folder: RunFolder

    def find_job(self, names: Names, *, fingerprint: str, training_uri: str) -> CustomizationJob | None:
        """
        Return this run's training job, found by its current or its former name; ``None`` if there is no such job.

        A job that has the former name but belongs to another environment is ignored.

        :param fingerprint: the fingerprint of the job, which determines where it writes its metrics.
        :param training_uri: URI of the training file.
        :raises RefusedError: a job of another environment has the current name.
        """
        return self._find_job(_candidates(names), fingerprint, training_uri)

    def find_submitted_job(self, name: str, fingerprint: str) -> CustomizationJob | None:
        """
        Return the job that ``submit`` bought or found; ``None`` if it does not exist.

        A job of another environment is ignored if its name has the form that earlier versions used.

        :raises RefusedError: the job's name has the current form, but the job belongs to another environment.
        """
        return self._find_job([Candidate(name, is_former_job_name(name, fingerprint))], fingerprint, None)

    def _find_job(
        self, candidates: Iterable[Candidate], fingerprint: str, training_uri: str | None
    ) -> CustomizationJob | None:
        def differences(job: CustomizationJob, is_former: bool) -> Iterator[str]:
            yield from self._job_differences(job, fingerprint, training_uri)
            yield from self._tag_differences(self.hook.tags(job.arn), is_former, {"use-case": self.use_case.name})

        advice = (
            f"{_OTHER_INSTALLATION} If the job is yours, undo the change of aws.role_arn or storage, or change the"
            " training data or the hyperparameters."
        )
        return self._find("training job", candidates, self.hook.find_job, differences, advice)

    def find_throughput(self, names: Names, *, arm: str, model_arn: str | None = None) -> Throughput | None:
        """Return this run's throughput with one of the names; see :meth:`find_endpoint`."""
        return cast(Throughput | None, self.find_endpoint(THROUGHPUT, names, arm=arm, model_arn=model_arn))

    def find_endpoint(
        self, kind: EndpointKind, names: Names, *, arm: str, model_arn: str | None = None
    ) -> AnyEndpoint | None:
        """
        Return this run's endpoint with one of the names; ``None`` if there is no such endpoint.

        Throughput that has the former name but belongs to another environment or run is ignored.

        :param model_arn: the model that the endpoint must serve; if ``None``, any model is accepted.
        :raises RefusedError: an endpoint of another environment or run has the current name.
        """
        # Versions without environments had no deployments, so no deployment has a former name.
        candidates = _candidates(names if kind is THROUGHPUT else Names(names.name, None))
        return self._find_endpoint(kind, candidates, {"arm": arm}, model_arn)

    def find_created_endpoint(self, kind: EndpointKind, name: str, *, model_arn: str | None) -> AnyEndpoint | None:
        """
        Return the endpoint that ``provision`` or ``deploy`` created; ``None`` if it was released.

        Throughput that has a former name but belongs to another environment or run is ignored.

        :raises RefusedError: the endpoint belongs to another environment or run.
        """
        is_former = kind is THROUGHPUT and is_former_throughput_name(name, self.folder.run_key)
        return self._find_endpoint(kind, [Candidate(name, is_former)], {}, model_arn)

    def _find_endpoint(
        self,
        kind: EndpointKind,
        candidates: Iterable[Candidate],
        tags_of_task: Mapping[str, str],
        model_arn: str | None,
    ) -> AnyEndpoint | None:
        expected = {"use-case": self.use_case.name, "run-key": self.folder.run_key, **tags_of_task}

        def find(name: str) -> AnyEndpoint | None:
            return kind.find(self.hook, name)

        def differences(endpoint: AnyEndpoint, is_former: bool) -> Iterator[str]:
            if model_arn is not None:
                yield from _difference("model", endpoint.model_arn, model_arn)
            tags = self.hook.tags(endpoint.arn)
            yield from self._tag_differences(tags, is_former, expected)
            if is_former and "environment" not in tags:
                yield from self._data_differences(endpoint.model_arn)

        advice = f"{_OTHER_INSTALLATION} If the {kind.noun} is yours, delete it in the Bedrock console."
        billed = " The throughput may be billed by the hour to its owner." if kind is THROUGHPUT else ""
        return self._find(kind.noun, candidates, find, differences, advice, billed, FAILED_TASK)

    def find_batch_job(self, names: Names, jobs: BatchJobs, *, input_uri: str, output_uri: str) -> BatchJob | None:
        """
        Return this run's batch job with one of the names; ``None`` if there is no such job.

        A job that has the former name but belongs to another environment is ignored.

        :raises RefusedError: a batch job of another environment has the current name.
        """

        def differences(job: BatchJob, is_former: bool) -> Iterator[str]:
            yield from _difference("role", job.role_arn, self.use_case.aws.role_arn)
            yield from _location_differences(job, input_uri, output_uri)

        advice = (
            f"{_OTHER_INSTALLATION} If the job is yours, undo the change of aws.role_arn or storage, or set inference:"
            " on_demand for the step."
        )
        return self._find("batch job", _candidates(names), jobs.find, differences, advice)

    def find_evaluation_job(
        self, name: str, jobs: EvaluationJobs, *, dataset_uri: str, output_uri: str, then_clear: str = _PREFLIGHT
    ) -> EvaluationJob | None:
        """
        Return this use case's evaluation job with a name; ``None`` if there is no such job.

        :param then_clear: the task to clear after a person has corrected the settings.
        :raises RefusedError: an evaluation job of another environment has the name.
        """

        def differences(job: EvaluationJob, is_former: bool) -> Iterator[str]:
            yield from _difference("role", job.role_arn, self.use_case.aws.role_arn)
            yield from _difference("dataset", job.dataset_uri, dataset_uri)
            yield from _difference("output", job.output_uri, output_uri)
            yield from self._tag_differences(self.hook.tags(job.arn), is_former, {"use-case": self.use_case.name})

        advice = f"{_OTHER_INSTALLATION} If the job is yours, undo the change of aws.role_arn or storage."
        candidates = [Candidate(name, False)]
        return self._find("evaluation job", candidates, jobs.find, differences, advice, then_clear=then_clear)

    def find_optimization_job(
        self, name: str, jobs: PromptOptimizationJobs, *, input_uri: str, output_uri: str
    ) -> OptimizationJob | None:
        """
        Return this use case's prompt optimization job with a name; ``None`` if there is no such job.

        :raises RefusedError: a prompt optimization job of another environment has the name.
        """

        def differences(job: OptimizationJob, is_former: bool) -> Iterator[str]:
            yield from _location_differences(job, input_uri, output_uri)
            yield from self._tag_differences(self.hook.tags(job.arn), is_former, {"use-case": self.use_case.name})

        advice = f"{_OTHER_INSTALLATION} If the job is yours, undo the change of storage."
        return self._find("prompt optimization job", [Candidate(name, False)], jobs.find, differences, advice)

    def has_model(self, model_arn: str) -> bool:
        """Return whether the tags or the training data of an existing model show that it belongs to this use case."""
        tags = self.hook.tags(model_arn)
        expected = {"project": PROJECT_TAG, "use-case": self.use_case.name}
        different = list(self._tag_differences(tags, True, expected))
        if "environment" not in tags:
            different += self._data_differences(model_arn)
        if different:
            log.warning("Model %s is left unchanged, because it %s.", model_arn, self._not_ours(different, tags))
        return not different

    def _find(
        self,
        kind: str,
        candidates: Iterable[Candidate],
        find: Callable[[str], ResourceT | None],
        differences: Callable[[ResourceT, bool], Iterable[str]],
        advice: str,
        billed_to_owner: str = "",
        then_clear: str = _PREFLIGHT,
    ) -> ResourceT | None:
        for name, is_former in candidates:
            resource = find(name)
            if resource is None:
                continue
            different = list(differences(resource, is_former))
            if not different:
                return resource
            not_ours = self._not_ours(different, self._tags(resource))
            if not is_former:
                raise RefusedError(
                    f"The {kind} {name} exists, but {not_ours}.",
                    left="Nothing was stopped or deleted.",
                    billed=f"Nothing was bought.{billed_to_owner}",
                    to_do=advice,
                    then_clear=then_clear,
                )
            log.warning("The %s %s is ignored, because it %s.", kind, name, not_ours)
        return None

    def _job_differences(self, job: CustomizationJob, fingerprint: str, training_uri: str | None) -> Iterator[str]:
        yield from _difference("role", job.role_arn, self.use_case.aws.role_arn)
        yield from _difference("output", job.output_uri, Layout(self.use_case.storage).training_output(fingerprint))
        if training_uri is not None:
            yield from _difference("training data", job.training_uri, training_uri)
        elif not job.training_uri.startswith(f"{self.folder.root}/"):
            yield _unequal("training data", job.training_uri, f"an object below {self.folder.root}/")
        base_model_id = student_base_model_id(self.use_case)
        if not _is_same_model(job.base_model_arn, base_model_id):
            yield _unequal("base model", job.base_model_arn, base_model_id)

    def _tag_differences(self, tags: Mapping[str, str], is_former: bool, expected: Mapping[str, str]) -> Iterator[str]:
        if not is_former or "environment" in tags:
            yield from _difference("environment", from_tags(tags, "environment"), self.use_case.environment)
        for key, value in expected.items():
            yield from _difference(key, from_tags(tags, key), value)

    def _data_differences(self, model_arn: str) -> Iterator[str]:
        """Compare the location of a model's training data with the root of this run."""
        uri = self.hook.training_data_of_model(model_arn)
        if uri is None or not uri.startswith(f"{self.folder.root}/"):
            yield _unequal("model's training data", uri, f"an object below {self.folder.root}/")

    def _tags(self, resource: _Named) -> Mapping[str, str]:
        try:
            return self.hook.tags(resource.arn)
        except RefusedError:  # the resource was deleted in the meantime, or the role may not read tags
            return {}

    def _not_ours(self, different: Iterable[str], tags: Mapping[str, str]) -> str:
        owner = ", ".join(f"{key} {from_tags(tags, key) or 'unknown'}" for key in _TAGS_OF_OWNER)
        return (
            f"belongs to {owner}; this run belongs to environment {self.use_case.environment}, use-case"
            f" {self.use_case.name}, run-key {self.folder.run_key} ({'; '.join(different)})"
        )


def _candidates(names: Names) -> list[Candidate]:
    return [Candidate(names.name, False), *([Candidate(names.former, True)] if names.former else [])]


def is_job_of(plan: BatchJobPlan, job: BatchJob) -> bool:
    """
    Return whether a batch job reads and writes the files of a plan.

    A job with the same name but with other files belongs to another environment.
    """
    if different := list(_location_differences(job, plan.input_uri, plan.output_uri)):
        log.warning(
            "Batch job %s does not belong to this environment and is ignored: %s.", job.arn, "; ".join(different)
        )
    return not different


def _location_differences(job: BatchJob | OptimizationJob, input_uri: str, output_uri: str) -> Iterator[str]:
    yield from _difference("input", job.input_uri, input_uri)
    yield from _difference("output", job.output_uri, output_uri)


def _difference(what: str, theirs: str | None, ours: str) -> Iterator[str]:
    # Bedrock may drop the slash at the end of a folder's URI.
    if (theirs or "").rstrip("/") != ours.rstrip("/"):
        yield _unequal(what, theirs, ours)


def _unequal(what: str, theirs: str | None, ours: str) -> str:
    return f"its {what} is {theirs or 'unknown'}, expected {ours}"


def _is_same_model(arn: str, model_id: str) -> bool:
    """Compare a base model's ARN with an id. Either may lack the suffix for the context size, such as ``:128k``."""
    theirs, ours = arn.rpartition("/")[2], model_id.rpartition("/")[2]
    return bool(theirs) and (theirs == ours or theirs.startswith(f"{ours}:") or ours.startswith(f"{theirs}:"))
