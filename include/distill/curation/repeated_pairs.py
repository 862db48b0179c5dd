"""
Find new questions that other rows or other rows' pairs ask already, after all pairs are written.

Rows are cut into shards by number, and the result must not depend on it. Pairs are therefore compared in row order,
each with all original questions and with the pairs that were kept before it. Memory grows by about 300 bytes per
question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, stream_jsonl
from include.distill.curation.filters import RepeatsOriginalFilter, RepeatsPairFilter
from include.distill.curation.records import Pair, PairText, RepeatedPair
from include.distill.curation.rejection import Rejection
from include.distill.dataset.records import Row
from include.distill.inference.records import WrittenPair
from include.distill.text.question_index import Question, QuestionIndex


def repeated_pairs(originals: Iterable[Row], pairs: Iterable[PairText], *, threshold: float) -> Iterator[RepeatedPair]:
    """
    Yield a rejection, with the pair's number, for every pair whose question was asked before.

    :param pairs: in row order.
    :param threshold: similarity from which two questions count as the same, 0.6 to 1.
    """
    index = QuestionIndex(threshold=threshold)
    for row in originals:
        index.add(Question(row["question"]))
    original_count = len(index)
    for pair in pairs:
        match = index.find_or_add(Question(pair["question"]))
        if match is None:
            continue
        is_original = match.position < original_count
        rejection = Rejection(
            RepeatsOriginalFilter.name if is_original else RepeatsPairFilter.name,
            "repeated_question",
            f"The question is {match.similarity:.2f} similar to that of another {'row' if is_original else 'pair'},"
            f" {match.question[:200]!r}.",
        )
        texts: WrittenPair = {"question": pair["question"], "answer": pair["answer"], "topic": pair["topic"]}
        yield {**rejection.as_record(pair["row_id"], texts), "pair": pair["pair"]}


def accepted_texts(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[PairText]:
    """Yield every pair that ``synthesize`` accepted, without its document, in row order."""
    for number in range(shards):
        yield from stream_jsonl(store, folder.synthetic_texts(number), PairText)


def curated_pairs(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[Pair]:
    """
    Yield the pairs that may be trained on, with their documents, in row order.

    :param shards: of this run. The folder may hold more, from an earlier try that read a longer file.
    """
    repeated = _repeated_keys(store, folder, shards)
    for number in range(shards):
        for pair in stream_jsonl(store, folder.synthetic(number), Pair):
            if (pair["row_id"], pair["pair"]) not in repeated:
                yield pair


def curated_texts(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[PairText]:
    """Yield what :func:`curated_pairs` yields without the documents, which are most of what it has to read."""
    repeated = _repeated_keys(store, folder, shards)
    for pair in accepted_texts(store, folder, shards=shards):
        if (pair["row_id"], pair["pair"]) not in repeated:
            yield pair


def _repeated_keys(store: ObjectStore, folder: RunFolder, shards: int) -> set[tuple[str, int]]:
    if not shards:  # no pairs were asked for, so ``curate`` wrote no file
        return set()
    return {(pair["row_id"], pair["pair"]) for pair in stream_jsonl(store, folder.synthetic_repeated, RepeatedPair)}
