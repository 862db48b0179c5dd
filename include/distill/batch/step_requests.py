"""
Build the requests that a step sends in batch jobs, for one model at a time.

These requests are identical to the first requests that the step's mapped tasks would send on demand. When the mapped
tasks run later, they find the answers in the answer store, where the batch jobs' answers are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from include.distill.batch.records import BatchStep
from include.distill.config.alternatives import alternatives, suggestion
from include.distill.config.catalog import Model
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Inference
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, stream_jsonl
from include.distill.dataset.records import Row
from include.distill.inference.requests import ModelRequest


def models_of_step(use_case: UseCase, step: BatchStep) -> list[Model]:
    """Return the models that a step calls."""
    names = (use_case.teacher,) if step == "synthesize" else use_case.judges
    return [use_case.catalog_model(name) for name in names]


def inference_mode(use_case: UseCase, step: BatchStep) -> Inference:
    """Return how a step calls its models: ``on_demand``, or ``batch`` for batch jobs."""
    return use_case.synthesis.inference if step == "synthesize" else use_case.judging.inference


def batch_problems(use_case: UseCase, costs: Mapping[str, float] | None = None) -> list[str]:
    """
    Return a message for every model that is configured for batch jobs but does not support them in the Region.

    Each message names models that support batch jobs in the Region, if there are any.

    :param costs: one price for each model, by the model's key. Cheaper models are named first.
    """
    steps = [step for step in get_args(BatchStep) if inference_mode(use_case, step) == "batch"]
    models = {model.key: model for step in steps for model in models_of_step(use_case, step)}
    region = use_case.aws.region
    problems = []
    for model in models.values():
        if model.batch is not None and region in model.batch.regions:
            continue
        if model.batch is None:
            problem = f"model {model.key} does not support batch jobs"
        else:
            regions = ", ".join(model.batch.regions)
            problem = f"model {model.key} supports batch jobs only in {regions}, but aws.region is {region}"
        able = alternatives(
            model,
            lambda other: other.batch is not None and region in other.batch.regions,
            used=use_case.models,
            costs=costs,
        )
        way_out = f", or {suggestion(able)}" if able else ""
        problems.append(f"{problem}; set inference: on_demand for the step that uses this model{way_out}")
    return problems


@dataclass(frozen=True)
class StepRequests:
    """
    Build the requests of a run's steps from the files in the run's folder.

    :param prompts: the run's frozen prompts, by name.
    :param shards: indices of the shards that contain the teacher's rows.
    """

    use_case: UseCase
    store: ObjectStore
    folder: RunFolder
    prompts: Mapping[str, Prompt]
    shards: Sequence[int]

    def first_requests(self, step: BatchStep, model: Model) -> Iterator[ModelRequest]:
        """
        Yield a step's first requests to ``model``: one for every row, or one for every comparison that needs a judge.

        The teacher's rows are streamed.
        """
        return self._synthesis(model) if step == "synthesize" else self._judging(model)

    def _synthesis(self, model: Model) -> Iterator[ModelRequest]:
        from include.distill.synthesis.teacher import Teacher

        teacher = Teacher(model, self.prompts[self.use_case.prompts.synthesis], self.use_case.synthesis)
        for number in self.shards:
            for row in stream_jsonl(self.store, self.folder.shard("train", number), Row):
                yield teacher.request(row)

    def _judging(self, model: Model) -> Iterator[ModelRequest]:
        from include.distill.evaluation.answers import read_comparisons
        from include.distill.evaluation.judge import Judge

        judge = Judge.from_use_case(self.use_case, self.prompts, model.key)
        for pair in self.use_case.judged_pairs:
            comparisons = read_comparisons(
                self.store, self.folder, self.use_case, candidate=pair.candidate, baseline=pair.baseline
            )
            for comparison in comparisons:
                if not comparison.is_tie:
                    yield judge.request(comparison)
