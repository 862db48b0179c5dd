from __future__ import annotations

import numpy as np

from include.distill.dataset.passage_table import PassageTable
from include.distill.text.passages import sketch
from tests.distill.dataset.test_document_groups import text_of


def test_sketches_are_read_as_they_were_added() -> None:
    documents = [text_of(seed, 200) for seed in range(5)]
    table = PassageTable()
    for number, document in enumerate(documents):
        table.add_document(document, number)
        table.add_answer(text_of(100 + number, 20), number)
        assert table.sketch(len(table) - 2).tolist() == sketch(document).tolist()
    assert table.sketch(4).tolist() == sketch(documents[2]).tolist()
    assert (table.is_answer(4), table.is_answer(5)) == (False, True)
    hashes, positions = next(table.blocks(~table.answers))
    assert np.unique(positions).tolist() == [0, 2, 4, 6, 8]
    assert hashes[positions == 8].tolist() == sketch(documents[4]).tolist()


def test_short_texts_are_not_compared() -> None:
    table = PassageTable()
    table.add_document("Too short to be compared.", 0)
    table.add_answer("Yes, for 35 days.", 0)
    assert (len(table), len(table.sketch(0))) == (1, 0)


def test_frequent_hashes_are_those_in_more_sketches_than_the_limit() -> None:
    shared, table = text_of(1, 100), PassageTable()
    for number in range(4):
        table.add_document(f"{shared} {text_of(10 + number, 100)}" if number < 3 else text_of(20, 200), number)
    chosen = ~table.answers
    assert set(table.frequent_hashes(chosen, 2).tolist()) == set(sketch(shared).tolist()) != set()
    assert len(table.frequent_hashes(chosen, 3)) == 0
    assert len(table.frequent_hashes(chosen, 100)) == 0
