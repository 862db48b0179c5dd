from __future__ import annotations

import pytest

from include.distill.curation.incomplete_pairs import find_incomplete_parts


def reasons(question: str = "How do I delete a bucket?", answer: str = "Empty it first.") -> list[str]:
    return [reason for reason, _ in find_incomplete_parts({"question": question, "answer": answer})]


@pytest.mark.parametrize(
    "answer",
    [
        "Provide the following:",
        "Provide the following: ",
        "**Provide the following:**",
        "Do these steps :\n",
        "Gehen Sie so vor:",
        "Procédez comme suit :",
        "请执行以下步骤：",
        "次の手順を実行します：",
        "다음 단계를 수행하십시오:",
        "اتبع الخطوات التالية:",
        "निम्नलिखित चरण करें:",
        "Выполните следующие шаги:",
        "Note:",
        "Answer:",
        "(as follows:)",
        "Use: ",
        "See:",
        "1:",
        "The list is as follows:\u200b",
        "Here are the values:—",
        "Here are the values: ...",
        "Run the following command:\n```\n```",
    ],
)
def test_an_answer_that_ends_in_a_colon_is_incomplete(answer: str) -> None:
    assert reasons(answer=answer) == ["answer_ends_in_colon"]


@pytest.mark.parametrize(
    "answer",
    [
        "3.",
        "1)",
        "(2)",
        "2.",
        "-",
        "- ",
        "•",
        "a)",
        "iv.",
        "Do this:\n1.",
        "1. Open the page\n2.",
        "- one\n-",
        "１．",
        "1.)",
        "1 .",
        "①",
        "１）",
        "- [ ]",
        "**1.**",
        "1. **",
        "1.1.",
        "Step 1.",
        "चरण 2",
        "Open it:\n①",
    ],
)
def test_an_answer_that_ends_in_an_empty_list_item_is_incomplete(answer: str) -> None:
    assert reasons(answer=answer) == ["answer_ends_in_list_number"]


@pytest.mark.parametrize(
    "answer",
    [
        "Open the console,",
        "Open the console, and",
        "Choose the Region or",
        "It is stopped because",
        "Use the console (",
        "Send [",
        "Run this:\n```\naws s3 ls",
        "Öffnen Sie die Konsole und",
        "Ouvrez la console et",
        "打开控制台，",
        "コンソールを開き、",
        "콘솔을 열고 버킷을 선택 및",
        "افتح وحدة التحكم،",
        "Откройте консоль и",
        "Konsolu açın ve",
        "कंसोल खोलें और",
        "Choose the bucket and the",
        "选择存储桶以及",
    ],
)
def test_an_answer_that_stops_in_the_middle_is_incomplete(answer: str) -> None:
    assert reasons(answer=answer) == ["answer_is_cut_off"]


@pytest.mark.parametrize(
    "question",
    [
        "What is happening?",
        "What is this?",
        "Why?",
        "What happens next?",
        "How?",
        "What do I do now?",
        "Was ist das?",
        "Was passiert hier?",
        "Que se passe-t-il ?",
        "¿Qué es esto?",
        "Che cosa succede?",
        "O que é isso?",
        "Wat gebeurt er?",
        "What does it mean?",
    ],
)
def test_a_question_without_a_content_word_is_incomplete(question: str) -> None:
    assert reasons(question=question) == ["question_without_content"]


@pytest.mark.parametrize(
    "answer",
    [
        "C:",
        "Drive D:",
        "arn:",
        "s3:",
        "urn:",
        "Use the prefix `arn:`",
        "At 12:30",
        "https://example.com/",
        "It is 3.",
        "1. Open the page.\n2. Choose it.",
        "- one\n- two",
        "Yes.",
        "8",
        "AND",
        "AND and OR",
        "Run `a and b`.",
        "(see [1])",
        "Run:\n```\naws s3 ls\n```",
        "[1, 2]",
        "{}",
        "f(x)",
        "a -> b",
        "Vitamin A.",
        "Plan B",
        "x and y",
        "Ratio 1:2",
        "Call it (twice).",
        "Use <b>bold</b>",
        "The person you talk to",
        "Wait…",
        "5%",
        "-1",
        "-5 °C",
        "v2.",
        "饱和",
        "Yes!",
    ],
)
def test_a_complete_answer_is_not_incomplete(answer: str) -> None:
    assert reasons(answer=answer) == []


@pytest.mark.parametrize(
    "question",
    [
        "How long is it?",
        "What is S3?",
        "How does it work?",
        "What about audio?",
        "Who pays?",
        "Why is it slow?",
        "Was kostet das?",
        "これは何ですか？",
        "这是什么？",
        "Что это?",
        "What is DO?",
        "When is it free?",
    ],
)
def test_a_question_with_a_content_word_is_complete(question: str) -> None:
    assert reasons(question=question) == []


@pytest.mark.parametrize(
    "question",
    [
        "How many replicas are there?",
        "Which version is needed?",
        "What is the default level?",
        "Wie viele sind es?",
        "Combien de copies ?",
        "¿Cuántas copias hay?",
        "コピーはいくつですか？",
        "有多少个副本？",
        "Сколько копий?",
    ],
)
def test_a_number_with_a_full_stop_answers_a_question_for_a_number(question: str) -> None:
    assert reasons(question=question, answer="3.") == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which header is sent?", "Authorization:"),
        ("Which prefix do the keys have?", "arn:"),
        ("Which step is optional?", "Step 2."),
        ("Which version is the default?", "1.1."),
        ("How many are there?", "(2)"),
        ("How do I stop it?", "Press Ctrl+C."),
        ("How do I list them?", "Run this:\n```\naws s3 ls\n```"),
    ],
)
def test_a_name_with_a_colon_and_a_number_that_is_asked_for_are_complete(question: str, answer: str) -> None:
    assert reasons(question, answer) == []
