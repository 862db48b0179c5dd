"""``refusals/*.yaml`` has true statements and refusals in 13 languages. Each is searched without a document."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.distill.curation.refusals import PATTERNS_PATH, find_refusal
from tools.curation_report.__main__ import SAMPLE, read_usable_rows
from tools.curation_report.planted_defects import yaml_texts

SENTENCES = Path(__file__).parent / "refusals"
DOCUMENT = "The gate opens at 8 a.m. and closes at 6 p.m. There are no fees, and dogs may come along."


def sentences(name: str) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = yaml.safe_load((SENTENCES / f"{name}.yaml").read_text(encoding="utf-8"))
    return texts


TRUE, REFUSALS = sentences("true_statements"), sentences("refusals")


def test_every_language_has_sentences_of_both_kinds() -> None:
    languages = set(yaml.safe_load(PATTERNS_PATH.read_text(encoding="utf-8")))
    assert languages == set(TRUE) == set(REFUSALS)
    assert min(map(len, [*TRUE.values(), *REFUSALS.values()])) >= 15
    assert min(len(TRUE["en"]), len(REFUSALS["en"])) >= 75


@pytest.mark.parametrize("language", TRUE)
def test_no_true_statement_is_taken_for_a_refusal(language: str) -> None:
    assert {text: words for text in TRUE[language] if (words := find_refusal(text, DOCUMENT, "Why?"))} == {}


@pytest.mark.parametrize("language", REFUSALS)
def test_every_refusal_is_found(language: str) -> None:
    assert [text for text in REFUSALS[language] if not find_refusal(text, DOCUMENT, "Where is the gate?")] == []


@pytest.mark.parametrize(
    "text", [*yaml_texts("refusals"), "**Unfortunately**, the given document does not mention it."]
)
def test_the_planted_refusals_are_found(text: str) -> None:
    assert find_refusal(text)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which ports are open by default?", "None."),
        ("Are there any prerequisites?", "None"),
        ("How many replicas are kept?", "None"),
        ("Who has access to the vault?", "Nobody"),
        ("Does it have any fees?", "None."),
        ("Welche Ports sind offen?", "Keine."),
        ("Quels ports sont ouverts ?", "Aucun."),
        ("¿Qué puertos están abiertos?", "Ninguno."),
        ("どのポートが開いていますか？", "なし"),
        ("哪些端口是开放的？", "无"),
        ("어떤 포트가 열려 있나요?", "없음"),
        ("Какие порты открыты?", "Никакие."),
        ("Hangi portlar açık?", "Hiçbiri."),
        ("ما المنافذ المفتوحة؟", "لا شيء"),
        ("Is the feature available in China?", "Not available."),
        ("Is the plan specified in the contract?", "Not specified."),
    ],
)
def test_an_answer_that_denies_what_the_question_asks_for_is_not_a_refusal(question: str, answer: str) -> None:
    assert find_refusal(answer, DOCUMENT, question) is None


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ("| t3.small | GPU | N/A |", "N/A"),
        ("Encryption: None. Logging: on.", "None"),
        ("The status is unknown until the first check.", "Unknown."),
        ("The column shows null for new rows.", "null"),
        (
            "We cannot answer calls. I'm sorry, but I can't answer that, says the robot.",
            "I'm sorry, but I can't answer that",
        ),
        (
            "If the text is empty: The document does not mention a name. Then stop.",
            "The document does not mention a name.",
        ),
        ("The document does not  mention a *name*, so stop.", "The document does not mention a name."),
        ("Say: I don't know.", "I don't know."),
        ("Es steht dort: Das Dokument nennt keinen Preis.", "Das Dokument nennt keinen Preis."),
        ("规则：文档中未提及价格。", "文档中未提及价格。"),
    ],
)
def test_words_of_the_document_are_not_a_refusal(document: str, answer: str) -> None:
    assert find_refusal(answer, document, "Why?") is None
    assert find_refusal(answer, DOCUMENT, "Why?")


def test_none_is_a_refusal_if_nothing_speaks_for_it() -> None:
    assert find_refusal("None", "The gate opens at 8 a.m.", "When does the gate open?") == "none"
    assert find_refusal("None") == "none"


def test_a_refusal_after_a_sentence_of_the_document_is_found() -> None:
    assert find_refusal(f"{DOCUMENT} The document does not say who opens it.", DOCUMENT, "Who opens it?")


def test_no_real_answer_of_the_sample_counts_as_a_refusal() -> None:
    rows = [*read_usable_rows(SAMPLE / "train.csv"), *read_usable_rows(SAMPLE / "evaluation.csv")]
    assert [row["answer"] for row in rows if find_refusal(row["answer"])] == []
