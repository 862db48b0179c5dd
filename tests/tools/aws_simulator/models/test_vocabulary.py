from __future__ import annotations

import json

from tools.aws_simulator.models.text import read_document
from tools.aws_simulator.models.vocabulary import NOTHING_READ, Vocabulary

TEXT = "The gate opens at noon. The bucket stores one object."


def sentences(text: str) -> list[frozenset[str]]:
    return [sentence.terms for sentence in read_document(text).sentences]


def test_a_stem_is_counted_once_per_sentence() -> None:
    known = NOTHING_READ.after_reading(sentences("Gates and gates. A gate."))
    assert (known.sentences, known.counts["gat"]) == (2, 2)


def test_further_reading_adds_to_what_is_known_and_changes_nothing_else() -> None:
    first = NOTHING_READ.after_reading(sentences("A gate. A bucket."))
    second = first.after_reading(sentences("A gate."))
    assert (first.sentences, second.sentences) == (2, 3)
    assert (first.counts["gat"], second.counts["gat"]) == (1, 2)


def test_a_vocabulary_survives_json() -> None:
    known = NOTHING_READ.after_reading(sentences(TEXT))
    assert Vocabulary.from_json(json.loads(json.dumps(known.to_json()))) == known


def test_a_word_that_is_common_in_the_domain_weighs_less_than_a_rare_one() -> None:
    document = read_document(TEXT)
    assert document.weight(["gat"]) == document.weight(["bucket"])
    reader = document.read_with(NOTHING_READ.after_reading(sentences("One bucket. Another bucket. A third bucket.")))
    assert reader.weight(["gat"]) > reader.weight(["bucket"])
    assert reader.weight(["never seen"]) > reader.weight(["bucket"])


def test_a_model_without_a_vocabulary_reads_the_document_as_it_is() -> None:
    document = read_document(TEXT)
    assert document.read_with(None) is document
    assert document.read_with(NOTHING_READ).sentence_weights == document.sentence_weights
