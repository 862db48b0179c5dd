"""Measure what the filters see in real rows, and what they drop of the simulated teacher's pairs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.core.storage import Record
from include.distill.curation.filters import FILTERS, PairFilterFactory, index_evaluation_questions
from include.distill.curation.grounding import GroundingScorer
from include.distill.curation.repeated_pairs import repeated_pairs
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.synthesis.teacher import count_samples, create_synthetic_samples
from include.distill.text.question_index import question_similarity
from include.distill.training.training_set import job_fault
from tools.aws_simulator.models.teacher import write_pairs

QUANTILES = (0, 0.01, 0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98, 0.99, 1)


def quantiles(values: Iterable[float]) -> list[float]:
    """Return the values at :data:`QUANTILES`."""
    ordered = sorted(values)
    return [ordered[round(share * (len(ordered) - 1))] for share in QUANTILES]


def lengths(rows: Sequence[Record], role: str) -> list[float]:
    """Return the quantiles of the lengths of the questions, answers or documents, in characters."""
    return quantiles(len(row[role]) for row in rows)


def grounding(rows: Sequence[Record], *, seed: int) -> tuple[list[float], list[float]]:
    """Score every answer against its own document and against a random other one; return both lists of scores."""
    draw = random.Random(seed)
    own, foreign = [], []
    for row in rows:
        other = draw.choice([one for one in rows if one["document"] != row["document"]])
        own.append(GroundingScorer(row["document"]).score(row["answer"]))
        foreign.append(GroundingScorer(other["document"]).score(row["answer"]))
    return own, foreign


def similar_questions(rows: Sequence[Record]) -> list[tuple[float, str, str]]:
    """Return the pairs of different questions with a similarity of at least 0.5, the most similar first."""
    questions = sorted({row["question"] for row in rows})
    pairs = ((question_similarity(one, other), one, other) for one, other in combinations(questions, 2))
    return sorted((pair for pair in pairs if pair[0] >= 0.5), reverse=True)


def simulator_pairs(rows: Sequence[Record], evaluation: Sequence[Record], use_case: UseCase) -> Counter[str]:
    """Count how many of the simulated teacher's pairs each filter dropped; and ``requested``, ``missing``, ``kept``."""
    teacher, prompts, settings = load_catalog().model(use_case.teacher), use_case.prompts, use_case.curation
    family = load_catalog().family_of(load_catalog().model(use_case.student))
    fails_job = partial(job_fault, use_case=use_case, prompt=load_prompt(prompts.answering), family=family)
    curator = PairFilterFactory(settings, index_evaluation_questions(evaluation, settings), fails_job)
    samples = [
        create_synthetic_samples(
            row,
            teacher=teacher,
            prompt=load_prompt(prompts.synthesis),
            settings=use_case.synthesis,
            filter_factory=curator,
            ask=_simulator,
        )
        for row in rows
    ]
    counts = count_samples(samples)
    by_filter = Counter(counts["dropped"]) + Counter(missing=counts["missing"], requested=counts["requested"])
    accepted = (pair for sample in samples for pair in sample.accepted)
    for record in repeated_pairs(rows, accepted, threshold=settings.max_question_similarity):
        by_filter[record["filter"]] += 1
    by_filter["kept"] = by_filter["requested"] - by_filter["missing"] - sum(by_filter[name] for name in FILTERS)
    return by_filter


def _simulator(request: ModelRequest) -> StoredAnswer:
    return StoredAnswer(request, Completion(write_pairs(request.user), "end_turn", 0, 0, simulated=True), "report")
