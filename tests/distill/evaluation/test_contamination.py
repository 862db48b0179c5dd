from __future__ import annotations

import pytest

from include.distill.evaluation.contamination import count_contaminated_questions

EVALUATION = ["What Is Amazon EMR?", "How many tags can an object have?", "Who may read a bucket?"]


@pytest.mark.parametrize(
    ("trained", "contaminated"),
    [
        pytest.param([], 0, id="no training questions"),
        pytest.param(["What is Amazon EC2?", "Who pays for a bucket?"], 0, id="other questions of the same form"),
        pytest.param(["How many tags can one object have?"], 1, id="another word in a short question"),
        pytest.param(["what is amazon emr"], 1, id="other case and punctuation"),
        pytest.param(["How many tags can an object have?"] * 3, 1, id="one, in the training data three times"),
        pytest.param(["what is amazon emr", "who may read a bucket ?"], 2, id="two questions"),
    ],
)
def test_each_evaluation_question_in_the_training_data_is_counted_once(trained: list[str], contaminated: int) -> None:
    assert count_contaminated_questions(EVALUATION, iter(trained)) == contaminated
