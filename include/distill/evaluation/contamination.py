"""Count the evaluation questions that are in the training data."""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.text.question_index import Question, QuestionIndex

# At or above it, two questions differ in spelling or a word at most. Different questions of one form ("What is Amazon
# EMR?", "What is Amazon EC2?") have a similarity of up to 0.8.
SAME_QUESTION_SIMILARITY = 0.9


def count_contaminated_questions(evaluation: Iterable[str], trained: Iterable[str]) -> int:
    """
    Return how many evaluation questions are in the training data, each counted once.

    :param evaluation: the questions that the student is judged by; held in memory.
    :param trained: all questions of the training data; streamed.
    """
    index = QuestionIndex(threshold=SAME_QUESTION_SIMILARITY)
    for question in evaluation:
        index.add(Question(question))
    return len({match.position for question in trained if (match := index.find(Question(question)))})
