from __future__ import annotations

import hashlib

import pytest

from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.dataset.stored_split import StoredSplit
from tests.distill.dataset.test_document_groups import BETWEEN, LEFT, RIGHT, groups_of, split, text_of
from tests.fakes.memory_store import MemoryStore

URI = "s3://bucket/splits/mine.jsonl"


def test_stored_sides_stay_when_the_share_changes_and_rows_are_removed() -> None:
    store, texts = MemoryStore(), [text_of(n) for n in range(40)]
    first = groups_of(*texts)
    decided = split(first)
    StoredSplit(store, URI, seed=7).remember(first, decided)
    later = groups_of(*texts[20:], *(text_of(n) for n in range(40, 60)))
    stored = StoredSplit(store, URI, seed=7)
    result = split(later, stored.sides_of(later), share=0.9)
    assert result.sides[:20] == decided.sides[20:]
    stored.remember(later, result)
    assert len(StoredSplit(store, URI, seed=7)) == 60


def test_the_stored_split_is_not_written_when_no_side_is_new() -> None:
    store, groups = MemoryStore(), groups_of(text_of(1), text_of(2))
    for _ in range(2):
        stored = StoredSplit(store, URI, seed=7)
        stored.remember(groups, split(groups, stored.sides_of(groups)))
    assert store.writes == [URI]


def test_stored_sides_are_not_used_with_another_seed() -> None:
    store, groups = MemoryStore(), groups_of(text_of(1), text_of(2))
    StoredSplit(store, URI, seed=7).remember(groups, split(groups))
    assert StoredSplit(store, URI, seed=8).sides_of(groups) == {}


def test_no_side_is_stored_for_a_dropped_document() -> None:
    store, groups = MemoryStore(), groups_of(LEFT, RIGHT, BETWEEN)
    result = split(groups, {0: "train", 1: "evaluation"}, similarity=0.8, shared_passages="warn")
    StoredSplit(store, URI, seed=7).remember(groups, result)
    assert StoredSplit(store, URI, seed=7).sides_of(groups) == {0: "train", 1: "evaluation"}


def test_the_stored_split_has_the_seed_and_then_a_line_for_each_document() -> None:
    store, groups = MemoryStore(), groups_of("one", "two")
    StoredSplit(store, URI, seed=7).remember(groups, split(groups, {0: "train", 1: "evaluation"}))
    assert read_jsonl(store, URI, dict) == [
        {"seed": 7},
        {"document": "7692c3ad3540bb80", "side": "train"},
        {"document": "3fc4ccfe745870e2", "side": "evaluation"},
    ]


@pytest.mark.parametrize("texts", [("a text", "A  text"), ("A  text", "a text")])
def test_a_document_is_on_the_evaluation_side_if_any_of_its_texts_was_there(texts: tuple[str, str]) -> None:
    """Both texts are one document now, but an earlier version may have stored them on two sides."""
    store = MemoryStore()
    sides = zip(("a text", "A  text"), ("train", "evaluation"), strict=True)
    entries = [{"document": hashlib.sha256(text.encode()).hexdigest()[:16], "side": side} for text, side in sides]
    write_jsonl(store, URI, [{"seed": 7}, *entries])
    assert StoredSplit(store, URI, seed=7).sides_of(groups_of(*texts)) == {0: "evaluation"}
