"""Describe what a task must know about the job that it submits or waits for (the base class)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

from bedrock_distill.hooks.named_jobs import NamedJob, NamedJobs
from bedrock_distill.lifecycle.run_task import RunTask
from bedrock_distill.run.task_ids import PREFLIGHT
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.config.job_settings import JobSettings
from include.distill.core.ended_jobs import EndedJobs

JobT = TypeVar("JobT", bound=NamedJob)


class JobTask(RunTask, Generic[JobT]):
    """
    A mixin for the tasks that submit a job or wait for it.

    :cvar noun: the kind of job, as part of a sentence.
    :cvar results: what AWS bills.
    """

    noun: str
    results: str

    @property
    @abstractmethod
    def jobs(self) -> NamedJobs[JobT, Any]:
        """The client for jobs of this kind. It uses the task's connection."""

    @property
    @abstractmethod
    def ended_jobs(self) -> EndedJobs:
        """The records of how jobs of this kind ended."""

    @property
    @abstractmethod
    def settings(self) -> JobSettings:
        """The settings of the job in the use case."""

    @property
    @abstractmethod
    def settings_key(self) -> str:
        """The section of the use case with these settings."""

    @property
    def restart(self) -> str:
        """The task to clear after settings or data of the job have changed."""
        return task_to_clear(PREFLIGHT)
