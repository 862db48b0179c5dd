from __future__ import annotations

import pytest

from include.distill.text.question_index import Question
from include.distill.text.question_names import name_different_things, names_in


def are_different(one: str, other: str) -> bool:
    first, second = Question(one), Question(other)
    return name_different_things(first.names, first.normalized, second.names, second.normalized)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is Amazon SES?", "What is Amazon SNS?"),
        ("What Is Amazon MQ?", "What Is Amazon Macie?"),
        ("How do I delete a table in Amazon Athena?", "How do I delete a table in Amazon Aurora?"),
        ("What is the price of plan A?", "What is the price of plan B?"),
        ("What is the maximum size of an object?", "What is the minimum size of an object?"),
    ],
)
def test_questions_about_different_things_are_told_apart(one: str, other: str) -> None:
    assert are_different(one, other)
    assert are_different(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is IAM?", "what is iam"),
        ("What is IAM?", "What is IMA?"),
        ("How do I use Kinesis?", "How do I use Kinesys?"),
        ("How do I use S3?", "HOW DO I USE S3 IN AWS"),
        ("How Do I Turn On Logs?", "How Can I Turn On Logs?"),
    ],
)
def test_spelling_case_and_added_names_do_not_make_a_question_different(one: str, other: str) -> None:
    assert not are_different(one, other)


def test_names_are_acronyms_words_with_digits_and_capitalized_words_inside_a_sentence() -> None:
    assert names_in("Does Amazon EC2 use m5 or IAM? Yes it does") == {"amazon", "ec2", "iam"}
