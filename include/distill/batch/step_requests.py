"""
Build the requests of a step for its batch jobs, model by model.

They are exactly the first requests that the step's mapped tasks would send on demand, so those find the answers stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from include.distill.batch.records import BatchStep
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Inference
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, stream_jsonl
from include.distill.evaluation.answer_pairs import read_comparisons
from include.distill.evaluation.requests import judging_request
from include.distill.inference.requests import ModelRequest
from include.distill.synthesis.teacher import synthesis_request


def models_of_step(use_case: UseCase, step: BatchStep) -> list[Model]:
    """Return the models that a step asks."""
    names = (use_case.teacher,) if step == "synthesize" else use_case.judges
    return [load_catalog().model(name) for name in names]


def inference_mode(use_case: UseCase, step: BatchStep) -> Inference:
    """Return how a step asks: ``on_demand`` or ``batch``."""
    return use_case.synthesis.inference if step == "synthesize" else use_case.judging.inference


def batch_problems(use_case: UseCase) -> list[str]:
    """Return a message for every model that a step should ask in batch jobs but cannot."""
    steps = [step for step in get_args(BatchStep) if inference_mode(use_case, step) == "batch"]
    models = {model.key: model for step in steps for model in models_of_step(use_case, step)}
    return [problem for model in models.values() if (problem := _problem(model, use_case.aws.region))]


def _problem(model: Model, region: str) -> str | None:
    if model.batch is None:
        return f"model {model.key} does not support batch jobs; set inference: on_demand for the step that asks it"
    if region not in model.batch.regions:
        regions = ", ".join(model.batch.regions)
        return (
            f"model {model.key} supports batch jobs in {regions} only, and the use case says {region}; set"
            " inference: on_demand for the step that asks it"
        )
    return None


@dataclass(frozen=True)
class StepRequests:
    """
    The requests of a run's steps, read from its folder.

    :param prompts: the run's frozen prompts, by name.
    :param shards: numbers of the shards of rows that the teacher is asked about.
    """

    use_case: UseCase
    store: ObjectStore
    folder: RunFolder
    prompts: Mapping[str, Prompt]
    shards: Sequence[int]

    def first_requests(self, step: BatchStep, model: Model) -> Iterator[ModelRequest]:
        """Yield a step's first request to ``model`` for every row or pairwise comparison. Rows are streamed."""
        return self._synthesis(model) if step == "synthesize" else self._judging(model)

    def _synthesis(self, teacher: Model) -> Iterator[ModelRequest]:
        prompt, settings = self.prompts[self.use_case.prompts.synthesis], self.use_case.synthesis
        for number in self.shards:
            for row in stream_jsonl(self.store, self.folder.shard("train", number)):
                yield synthesis_request(row, teacher=teacher, prompt=prompt, settings=settings)

    def _judging(self, judge: Model) -> Iterator[ModelRequest]:
        prompt, settings = self.prompts[self.use_case.prompts.judging], self.use_case.judging
        for pair in self.use_case.judged_pairs:
            comparisons = read_comparisons(
                self.store, self.folder, self.use_case, candidate=pair.candidate, baseline=pair.baseline
            )
            for comparison in comparisons:
                if not comparison.is_tie:
                    yield judging_request(comparison, judge=judge, prompt=prompt, settings=settings)
