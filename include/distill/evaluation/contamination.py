"""Count the evaluation questions that are in the training data."""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.text.question_index import Question, QuestionIndex

# Two questions with at least this similarity differ only in spelling or in a single word. Different questions that
# follow one pattern ("What is Amazon EMR?", "What is Amazon EC2?") have a similarity of up to 0.8.
SAME_QUESTION_SIMILARITY = 0.9


def count_contaminated_questions(evaluation: Iterable[str], trained: Iterable[str]) -> int:
    """
    Return the number of evaluation questions that are in the training data, each counted once.

    :param evaluation: the evaluation questions. They are kept in memory.
    :param trained: all questions of the training data. They are streamed.
    """
    index = QuestionIndex(threshold=SAME_QUESTION_SIMILARITY)
    for question in evaluation:
        index.add(Question(question))
    return len({match.position for question in trained if (match := index.find(Question(question)))})
