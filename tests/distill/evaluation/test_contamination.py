from __future__ import annotations

import pytest

from include.distill.evaluation.contamination import count_contaminated_questions

EVALUATION = ["What Is Amazon EMR?", "How many tags can an object have?", "Who may read a bucket?"]


@pytest.mark.parametrize(
    ("trained", "leaks"),
    [
        pytest.param([], 0, id="nothing trained on"),
        pytest.param(["What is Amazon EC2?", "Who pays for a bucket?"], 0, id="others of the same form"),
        pytest.param(["what is amazon emr"], 1, id="in other spelling"),
        pytest.param(["How many tags can an object have?"] * 3, 1, id="one, trained on three times"),
        pytest.param(["what is amazon emr", "who may read a bucket ?"], 2, id="two"),
    ],
)
def test_evaluation_questions_that_were_trained_on_are_counted_once_each(trained: list[str], leaks: int) -> None:
    assert count_contaminated_questions(EVALUATION, iter(trained)) == leaks
