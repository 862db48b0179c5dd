"""Measure real rows as the filters do, and count the simulated teacher's pairs that each filter rejects."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.curation.filters import FILTER_NAMES, PairFilters, index_evaluation_questions
from include.distill.curation.repeated_pairs import repeated_pairs
from include.distill.dataset.records import Role, Row
from include.distill.grounding.check import GroundingCheck, Outcome
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.synthesis.teacher import Teacher, count_samples, create_synthetic_samples
from include.distill.text.question_index import Question
from include.distill.training.training_set import job_fault
from tools.aws_simulator.models.teacher import write_pairs

QUANTILES = (0, 0.01, 0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98, 0.99, 1)


def quantiles(values: Iterable[float]) -> list[float]:
    """Return the values at :data:`QUANTILES`."""
    ordered = sorted(values)
    return [ordered[round(share * (len(ordered) - 1))] for share in QUANTILES]


def lengths(rows: Sequence[Row], role: Role) -> list[float]:
    """Return the quantiles of the lengths, in characters, of the rows' questions, answers or documents."""
    return quantiles(len(row[role]) for row in rows)


def grounding(rows: Sequence[Row], *, seed: int) -> tuple[Counter[Outcome], Counter[Outcome]]:
    """
    Check each answer against its own document, and against a random other document. Count the outcomes.

    :return: the counts for the answers' own documents, and the counts for the other documents.
    """
    draw = random.Random(seed)
    own, foreign = Counter[Outcome](), Counter[Outcome]()
    for row in rows:
        other = draw.choice([one for one in rows if one["document"] != row["document"]])
        own[GroundingCheck(row["document"]).check(row["answer"], row["question"]).outcome] += 1
        foreign[GroundingCheck(other["document"]).check(row["answer"], row["question"]).outcome] += 1
    return own, foreign


def similar_questions(rows: Sequence[Row]) -> list[tuple[float, str, str]]:
    """Return the pairs of different questions with a similarity of 0.5 or more, the most similar first."""
    questions = [Question(text) for text in sorted({row["question"] for row in rows})]
    pairs = ((one.similarity(other), one.text, other.text) for one, other in combinations(questions, 2))
    return sorted((pair for pair in pairs if pair[0] >= 0.5), reverse=True)


def pair_filters(evaluation: Sequence[Row], use_case: UseCase) -> PairFilters:
    """Return the filters, set up for ``use_case`` as in the pipeline."""
    fault = partial(
        job_fault,
        use_case=use_case,
        prompt=load_prompt(use_case.prompts.answering),
        family=load_catalog().family_of(load_catalog().model(use_case.student)),
    )
    return PairFilters(use_case.curation, index_evaluation_questions(evaluation, use_case.curation), fault)


def simulator_pairs(rows: Sequence[Row], evaluation: Sequence[Row], use_case: UseCase) -> Counter[str]:
    """Count the simulated teacher's pairs: requested, missing, rejected by each filter, and kept."""
    teacher = Teacher(
        load_catalog().model(use_case.teacher), load_prompt(use_case.prompts.synthesis), use_case.synthesis
    )
    filters = pair_filters(evaluation, use_case)
    samples = [create_synthetic_samples(row, teacher=teacher, filters=filters, ask=_ask_simulator) for row in rows]
    counts = count_samples(samples)
    pairs = Counter(counts["dropped"]) + Counter(missing=counts["missing"], requested=counts["requested"])
    accepted = (pair for sample in samples for pair in sample.accepted)
    for repeated in repeated_pairs(rows, accepted, threshold=use_case.curation.max_question_similarity):
        pairs[repeated["filter"]] += 1
    pairs["kept"] = pairs["requested"] - pairs["missing"] - sum(pairs[name] for name in FILTER_NAMES)
    return pairs


def _ask_simulator(request: ModelRequest) -> StoredAnswer:
    return StoredAnswer(request, Completion(write_pairs(request.user), "end_turn", 0, 0, simulated=True), "report")
