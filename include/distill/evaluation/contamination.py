"""Whether what the student is judged by stands in what it was trained on."""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.text.question_index import Question, QuestionIndex

# The same question but for a word or its spelling. Questions of one form about different things ("What is Amazon EMR?",
# "What is Amazon EC2?") are up to 0.8 alike and are none.
SAME_QUESTION_SIMILARITY = 0.9


def count_contaminated_questions(evaluation: Iterable[str], trained: Iterable[str]) -> int:
    """
    Return how many evaluation questions were trained on.

    :param evaluation: the questions that the student is judged by; held in memory.
    :param trained: all questions of the training data; looked up one by one, in any number.
    """
    index = QuestionIndex(threshold=SAME_QUESTION_SIMILARITY)
    for question in evaluation:
        index.add(Question(question))
    return len({match.position for question in trained if (match := index.find(Question(question)))})
