"""
Decide whether a question repeats an evaluation question.

All parts of the project use the definition in this module. ``ingest`` rejects training rows whose question repeats an
evaluation question, and the filter ``leak`` rejects synthetic pairs for the same reason. The report counts the
evaluation questions that the training data repeats. The threshold is ``curation.max_leak_similarity``.

A question that is asked about many documents ("Summarize the document.") does not count as an evaluation question here,
because its answer depends on the document. ``ingest`` marks evaluation rows with such a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from include.distill.config.sections import Curation
from include.distill.text.question_index import Question, QuestionIndex

DEFAULT_LEAK_SIMILARITY: float = Curation().max_leak_similarity
# A question is asked about many documents if at least this share of the rows, and at least this number of rows, ask it.
_GENERIC_SHARE = 0.05
_GENERIC_ROWS = 5


def is_generic_question(asked: int, rows: int) -> bool:
    """Return whether a question is asked in so many rows that it does not identify a document.

    :param asked: number of rows that ask the question.
    :param rows: number of all rows.
    """
    return asked >= max(_GENERIC_ROWS, _GENERIC_SHARE * rows) or (asked >= 2 and 2 * asked > rows)


def identifying_questions(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield the questions of evaluation rows, without questions that are asked about many documents."""
    return (str(row["question"]) for row in rows if not row.get("is_generic_question"))


def leak_index(questions: Iterable[str], *, threshold: float = DEFAULT_LEAK_SIMILARITY) -> QuestionIndex:
    """Return an index that finds the evaluation question that another question repeats.

    :param questions: the result of :func:`identifying_questions`.
    :param threshold: minimum similarity of two questions that count as the same.
    """
    index = QuestionIndex(threshold=threshold)
    for question in questions:
        index.add(Question(question))
    return index
