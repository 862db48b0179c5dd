from __future__ import annotations

import pytest

from include.distill.curation.refusals import find_refusal
from tools.curation_report.__main__ import SAMPLE, read_usable_rows
from tools.curation_report.planted_defects import yaml_texts


@pytest.mark.parametrize(
    "answer",
    [
        *yaml_texts("refusals"),
        "The document does not say.",
        "I’m sorry, but I can’t help with that.",
        "**Unfortunately**, the given document does not mention a limit.",
        "A bucket has a name. The provided text does not specify its length.",
        "Sure! Here is the answer: buckets.",
        "Je suis désolé, je ne peux pas répondre.",
        "Lo siento, el documento no menciona eso.",
        "Infelizmente não posso responder a isso.",
        "Mi dispiace, non posso rispondere.",
        "抱歉，文档中没有提及这一点。",
        "죄송하지만 문서에 나와 있지 않습니다.",
    ],
)
def test_a_refusal_is_found_in_several_languages_and_forms(answer: str) -> None:
    assert find_refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "No. You cannot change the name of a bucket after it was made.",
        "I AM is not IAM: the second is a service.",
        "You can't use a policy document that does not contain a version.",
        "If the document does not exist, the call returns 404.",
        "Sorry pages are shown while the load balancer is down.",
        "Here are the limits: 5 per account, 100 per Region.",
        "None of the metrics is billed.",
        "",
    ],
)
def test_an_answer_that_says_no_or_mentions_a_document_is_not_a_refusal(answer: str) -> None:
    assert find_refusal(answer) is None


def test_no_real_answer_of_the_sample_counts_as_a_refusal() -> None:
    rows = [*read_usable_rows(SAMPLE / "train.csv"), *read_usable_rows(SAMPLE / "evaluation.csv")]
    assert [row["answer"] for row in rows if find_refusal(row["answer"])] == []
