"""
New questions that other rows or other rows' pairs ask too: looked for once, when all pairs are written.

Rows are cut into shards by their number, and a question kept must not depend on that; so pairs are compared in the
order of their rows, each with all originals and with the pairs kept before it. Memory grows by about 300 bytes a
question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, Record, stream_jsonl
from include.distill.curation.filters import Rejection, rejection_record
from include.distill.text.question_index import QuestionIndex

TEXT_FIELDS = ("question", "answer", "topic")


def repeated_pairs(originals: Iterable[Record], pairs: Iterable[Record], *, threshold: float) -> Iterator[Record]:
    """
    Yield a rejection, with the pair's number, for every pair whose question was asked before.

    :param threshold: similarity from which two questions count as the same.
    """
    index, rows = QuestionIndex(threshold=threshold), 0
    for row in originals:
        index.add(row["question"])
        rows += 1
    for pair in pairs:
        if match := index.find_or_add(pair["question"]):
            name, of = ("repeats_original", "row's") if match.position < rows else ("repeats_pair", "pair's")
            message = f"{match.similarity:.2f} alike to another {of} question, {match.question[:200]!r}."
            texts = {name: pair[name] for name in TEXT_FIELDS}
            yield {
                **rejection_record(pair["row_id"], Rejection(name, "repeated_question", message), texts),
                "pair": pair["pair"],
            }


def accepted_texts(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[Record]:
    """Yield every accepted pair of ``shards`` shards without its document, in the order of the rows."""
    for number in range(shards):
        yield from stream_jsonl(store, folder.synthetic_texts(number))


def curated_pairs(store: ObjectStore, folder: RunFolder, *, shards: int, documents: bool = True) -> Iterator[Record]:
    """
    Yield the pairs that may be trained on, in the order of the rows.

    :param shards: exactly this run's: an earlier reading of a longer file may have left more.
    :param documents: with the documents they are about, which are most of what there is to read.
    """
    if not shards:
        return
    repeated = {(record["row_id"], record["pair"]) for record in stream_jsonl(store, folder.synthetic_repeated)}
    for number in range(shards):
        uri = folder.synthetic(number) if documents else folder.synthetic_texts(number)
        for pair in stream_jsonl(store, uri):
            if (pair["row_id"], pair["pair"]) not in repeated:
                yield pair
