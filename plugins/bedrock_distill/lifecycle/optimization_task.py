"""Describe prompt optimization jobs to the tasks that submit them, wait for them and read their results."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, PromptOptimizationJobs
from bedrock_distill.lifecycle.job_task import JobTask
from include.distill.config.prompt_optimization import PromptOptimization
from include.distill.core.storage import stream_jsonl
from include.distill.dataset.records import Row
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs

if TYPE_CHECKING:
    from include.distill.prompt_optimization.plan import OptimizationPlan


class OptimizationTask(JobTask[OptimizationJob]):
    """A mixin for the tasks of a prompt optimization job. It must come before their base class.

    Bedrock bills the tokens of the student, which answers the samples, and of the model that judges and rewrites.
    """

    noun = OptimizationJob.noun
    results = "tokens"

    @cached_property
    def jobs(self) -> PromptOptimizationJobs:
        """The client for Bedrock's prompt optimization jobs. It uses the task's connection."""
        return PromptOptimizationJobs(self.hook)

    @property
    def ended_jobs(self) -> EndedOptimizationJobs:
        """The records of how prompt optimization jobs ended."""
        return EndedOptimizationJobs(self.store, self.folder)

    @property
    def settings(self) -> PromptOptimization:
        """The settings of the job in the use case."""
        return self.use_case.prompt_optimization

    @property
    def settings_key(self) -> str:
        """The section of the use case with these settings."""
        return "prompt_optimization"

    def plan_of(self, arm: str) -> OptimizationPlan:
        """Return what the job that optimizes an arm's prompt is about. The first training rows are its samples."""
        from include.distill.prompt_optimization.dataset import optimization_input
        from include.distill.prompt_optimization.plan import optimization_plan

        rows = stream_jsonl(self.store, self.folder.source("train"), Row)
        return optimization_plan(self.use_case, arm, optimization_input(rows, self.use_case, self.prompts))
