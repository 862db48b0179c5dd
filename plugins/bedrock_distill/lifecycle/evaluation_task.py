"""Describe evaluation jobs to the tasks that submit them and wait for them."""

from __future__ import annotations

from functools import cached_property

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.lifecycle.job_task import JobTask
from include.distill.config.evaluation_settings import EvaluationKind
from include.distill.config.job_settings import JobSettings
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs


class EvaluationTask(JobTask[EvaluationJob]):
    """
    A mixin for the tasks that submit an evaluation job or wait for it. It must come before their base class.

    :cvar kind: the section of ``evaluations`` in the use case that asks for the job.
    """

    kind: EvaluationKind
    noun = EvaluationJob.noun
    results = "scores"

    @cached_property
    def jobs(self) -> EvaluationJobs:
        """The client for Bedrock's evaluation jobs. It uses the task's connection."""
        return EvaluationJobs(self.hook)

    @property
    def ended_jobs(self) -> EndedEvaluationJobs:
        """The records of how evaluation jobs ended."""
        return EndedEvaluationJobs(self.store, self.folder)

    @property
    def settings(self) -> JobSettings:
        """The settings of the job in the use case."""
        return self.use_case.evaluations.of_kind(self.kind)

    @property
    def settings_key(self) -> str:
        """The section of the use case with these settings."""
        return f"evaluations.{self.kind}"
