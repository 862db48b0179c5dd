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
        ("What Is Amazon CloudWatch?", "What Is Amazon CloudWatch Events?"),
        ("What is Amazon CloudWatch?", "What Is Amazon CloudWatch Logs?"),
        ("what is amazon cloudwatch", "What is Amazon CloudWatch Events?"),
        ("How do I back up Amazon S3?", "How do I back up Amazon S3 Glacier?"),
        ("How much does Google Cloud cost?", "How much does Google Cloud Storage cost?"),
        ("Wie sichere ich Azure?", "Wie sichere ich Azure Files?"),
        ("¿Qué es Windows?", "¿Qué es Windows Server?"),
        ("What is the maximum size of an object?", "What is the minimum size of an object?"),
        ("How do I turn on versioning for a bucket?", "How do I turn off versioning for a bucket?"),
        ("Wie aktiviere ich die Versionierung?", "Wie deaktiviere ich die Versionierung?"),
        ("Wie schalte ich die Versionierung ein?", "Wie schalte ich die Versionierung aus?"),
        ("Comment activer les versions ?", "Comment désactiver les versions ?"),
        ("¿Cómo habilito las versiones?", "¿Cómo deshabilito las versiones?"),
        ("How do I start a job?", "How do I restart a job?"),
        ("Is it legal to vote twice?", "Is it illegal to vote twice?"),
        ("Which files can be uploaded?", "Which files cannot be uploaded?"),
        ("Why does it start?", "Why doesn't it start?"),
        ("Warum startet der Server?", "Warum startet der Server nicht?"),
        ("How do I compile a program in C?", "How do I compile a program in C++?"),
        ("How do I compile C code?", "How do I compile C++ code?"),
        ("What does Option B cost?", "What does Option C cost?"),
        ("How many hours does Anna Meyer work?", "How many hours does Hanna Meyer work?"),
        ("When was Paul Weber born?", "When was Paula Weber born?"),
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
        ("What is CloudWatch?", "What is Amazon CloudWatch?"),
        ("What is Amazon SQS?", "What is the Amazon SQS Service?"),
        ("What is CloudWatch Events?", "What is CloudWatch Event?"),
        ("What is CloudWatch Events?", "What is CloudWatch Evnets?"),
        ("What is CloudWatch Events?", "what is cloudwatch events"),
        ("How do I use Amazon S3?", "How Do I Use Amazon S3 Today?"),
        ("How do I use S3?", "How do I use S3 with AWS?"),
        ("What is Access Management?", "What is Access Management (IAM)?"),
        ("Who reads the NASA report?", "Who reads the report of NASA?"),
        ("How Do I Turn On Logs?", "How Can I Turn On Logs?"),
        ("What is the capital of the US?", "What is the capital of the U.S. today?"),
        ("Why can I not see my bucket?", "Why can't I see my bucket?"),
        ("How do I back up a bucket?", "How do I back up a bucket if it is not empty?"),
        ("What is Amazon Athena?", "What is Amazon Athna?"),
        ("What are ACLs?", "What is an ACL?"),
        ("Can I port a number?", "Can I transport a number?"),
    ],
)
def test_spelling_case_and_added_names_do_not_make_a_question_different(one: str, other: str) -> None:
    assert not are_different(one, other)


def test_names_are_acronyms_words_with_digits_and_capitalized_words_inside_a_sentence() -> None:
    assert names_in("Does Amazon EC2 use m5 or IAM? Yes it does") == {"amazon", "ec2", "amazon ec2", "iam"}
