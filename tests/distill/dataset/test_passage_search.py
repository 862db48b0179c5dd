from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from include.distill.dataset import passage_search
from include.distill.dataset.passage_search import HASH_BITS, WantedHashes, count_matches, rarest_hashes
from include.distill.dataset.passage_table import Mask, PassageTable
from include.distill.text.passages import sketch
from tests.distill.dataset.test_document_groups import text_of

Matches = dict[tuple[int, int], int]


def wanted(texts: dict[int, list[int]]) -> WantedHashes:
    """Build the wanted hashes from the hashes of each text."""
    keys = sorted(value << int(HASH_BITS) | position for position, hashes in texts.items() for value in set(hashes))
    return WantedHashes.of(np.array(keys, np.uint64))


def texts_by_hash(hashes: WantedHashes) -> dict[int, list[int]]:
    bounds = zip(hashes.starts[:-1], hashes.starts[1:], strict=True)
    return {
        int(value): hashes.positions[start:stop].tolist()
        for value, (start, stop) in zip(hashes.hashes, bounds, strict=True)
    }


def matches(table: PassageTable, texts: dict[int, list[int]], among: Mask) -> Matches:
    return {
        (int(text), int(document)): int(count)
        for block in count_matches(table, wanted(texts), among)
        for text, document, count in zip(*block, strict=True)
    }


def counted_one_by_one(table: PassageTable, texts: dict[int, list[int]], among: Mask) -> Matches:
    shared = Counter(
        {
            (text, position): len(set(hashes) & set(table.sketch(position).tolist()))
            for text, hashes in texts.items()
            for position in np.flatnonzero(among).tolist()
        }
    )
    return {pair: count for pair, count in shared.items() if count >= 2}


@pytest.fixture
def table() -> PassageTable:
    """Forty documents that are made of a few passages each, so that most of them share passages with others."""
    passages, draw = [text_of(seed, 60) for seed in range(25)], random.Random(7)
    table = PassageTable()
    for number in range(40):
        table.add_document(" ".join(draw.sample(passages, 3)), number)
    return table


def test_each_hash_has_the_texts_that_contain_it() -> None:
    assert texts_by_hash(wanted({3: [20, 10], 5: [10]})) == {10: [3, 5], 20: [3]}
    assert texts_by_hash(wanted({})) == {}


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({}, id="in_one_table_of_counts"),
        pytest.param({"_MAX_PAIRS": 50}, id="in_many_small_tables"),
        pytest.param({"_MAX_CELLS": 0}, id="without_a_table"),
    ],
)
def test_shared_hashes_are_counted_for_each_text_and_document(
    table: PassageTable, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(passage_search, name, value)
    texts = {position: table.sketch(position).tolist() for position in (0, 7, 31)}
    texts[100] = sketch(text_of(999, 80)).tolist()  # no document contains this text
    everywhere = np.ones(len(table), np.bool_)
    expected = counted_one_by_one(table, texts, everywhere)
    assert matches(table, texts, everywhere) == expected
    assert {text for text, _ in expected} == {0, 7, 31}
    assert len(expected) > 6  # each text matches more than itself


def test_only_the_given_documents_are_searched(table: PassageTable) -> None:
    among = np.arange(len(table)) >= 20
    texts = {0: table.sketch(0).tolist()}
    found = matches(table, texts, among)
    assert found == counted_one_by_one(table, texts, among) != {}
    assert all(document >= 20 for _, document in found)


def test_a_single_shared_hash_is_no_match(table: PassageTable) -> None:
    assert matches(table, {0: table.sketch(0).tolist()[:1]}, np.ones(len(table), np.bool_)) == {}
    assert matches(table, {}, np.ones(len(table), np.bool_)) == {}


def test_a_text_with_many_occurrences_keeps_only_its_rarest_hashes(
    table: PassageTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = np.ones(len(table), np.bool_)
    own = sketch(text_of(998, 80)).tolist()
    table.add_document(text_of(998, 80), 40)
    everywhere = np.ones(len(table), np.bool_)
    texts = {0: table.sketch(0).tolist() + own, 1: own}
    occurrences = {
        value: sum(value in table.sketch(position).tolist() for position in range(len(table))) for value in texts[0]
    }
    monkeypatch.setattr(passage_search, "_MAX_OCCURRENCES", len(own) + 5)
    kept = texts_by_hash(rarest_hashes(table, wanted(texts), everywhere))
    kept_by_text = {text: [value for value, owners in kept.items() if text in owners] for text in texts}
    assert set(kept_by_text[1]) == set(own)  # this text has few occurrences and keeps all its hashes
    assert set(own) < set(kept_by_text[0])
    assert sum(occurrences[value] for value in kept_by_text[0]) <= len(own) + 5
    monkeypatch.setattr(passage_search, "_MAX_OCCURRENCES", 10**6)
    assert texts_by_hash(rarest_hashes(table, wanted(texts), everywhere)) == texts_by_hash(wanted(texts))
