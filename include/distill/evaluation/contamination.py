"""Count the evaluation questions that are in the training data."""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.dataset.evaluation_questions import DEFAULT_LEAK_SIMILARITY, leak_index
from include.distill.text.question_index import Question


def count_contaminated_questions(
    evaluation: Iterable[str], trained: Iterable[str], *, threshold: float = DEFAULT_LEAK_SIMILARITY
) -> int:
    """
    Return the number of evaluation questions that are in the training data, each counted once.

    :param evaluation: the evaluation questions. They are kept in memory.
    :param trained: all questions of the training data. They are streamed.
    :param threshold: minimum similarity at which two questions count as the same; ``curation.max_leak_similarity``.
    """
    index = leak_index(evaluation, threshold=threshold)
    return len({match.position for question in trained if (match := index.find(Question(question)))})
