"""
Find the optimized prompt of an earlier run, if this run's prompt optimization job is the one that wrote it.

The answers of an arm with an optimized prompt depend on the prompt. Before a job has run, the prompt is not known, and
neither is which answers are stored. But a job for the same input is found by its name, and gives the same prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, StoredRecordError
from include.distill.core.naming import optimization_name
from include.distill.core.storage import ObjectStore, read_json
from include.distill.dataset.records import Row
from include.distill.prompt_optimization.dataset import optimization_input
from include.distill.prompt_optimization.plan import optimization_plan
from include.distill.prompt_optimization.records import OptimizedPrompt

Rows = Callable[[str], Iterable[Row]]


@dataclass(frozen=True)
class StoredPrompts:
    """
    The optimized prompts of earlier runs.

    :param rows: returns the rows of one side, ``train`` or ``evaluation``.
    """

    use_case: UseCase
    prompts: Mapping[str, Prompt]
    store: ObjectStore
    rows: Rows

    def find(self, folder: RunFolder, arm: str) -> OptimizedPrompt | None:
        """Return the prompt that a job optimized for an arm of the run in ``folder``; ``None`` if it cannot be read."""
        try:
            return read_json(self.store, folder.optimized_prompt(arm), OptimizedPrompt)
        except (
            NotFoundError,
            StoredRecordError,
        ):  # another program may have changed it; this run does not depend on it
            return None

    def is_of_same_job(self, prompt: OptimizedPrompt, arm: str) -> bool:
        """Return whether this run's job for an arm has the name of the job that wrote a prompt."""
        use_case = self.use_case
        plan = optimization_plan(use_case, arm, optimization_input(self.rows("train"), use_case, self.prompts))
        attempts = range(1, use_case.prompt_optimization.max_attempts + 1)
        place = use_case.environment, use_case.name, arm, plan.fingerprint
        return prompt["job_name"] in {optimization_name(*place, attempt) for attempt in attempts}

    def reused(self, folder: RunFolder, arm: str) -> str | None:
        """Return the prompt that an arm will have, because its job is that of the run in ``folder``; otherwise None."""
        prompt = self.find(folder, arm)
        return prompt["optimized"] if prompt and self.is_of_same_job(prompt, arm) else None
