"""
Find pairs whose question repeats the question of another row or pair. This runs after all pairs are written.

The result must not depend on how the rows are split into shards. The pairs are therefore checked in row order. Each
pair is compared with all original questions and with all earlier pairs that were kept. Memory use grows by about 300
bytes per question.
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
    Yield a rejection for every pair whose question repeats an original question or the question of an earlier pair.

    :param pairs: all accepted pairs, in row order.
    :param threshold: minimum similarity, 0.6 to 1, at which two questions count as the same.
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
            f"The question repeats the question of another {'row' if is_original else 'pair'}:"
            f" {match.question[:200]!r} (similarity {match.similarity:.2f}).",
        )
        texts: WrittenPair = {"question": pair["question"], "answer": pair["answer"], "topic": pair["topic"]}
        rejected = rejection.as_record(pair["row_id"], texts)
        record: RepeatedPair = {
            "row_id": rejected["row_id"],
            "filter": rejected["filter"],
            "reason": rejected["reason"],
            "message": rejected["message"],
            "text": rejected["text"],
            "pair": pair["pair"],
        }
        if "undecided" in pair:
            record["undecided"] = pair["undecided"]
        yield record


def accepted_texts(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[PairText]:
    """Yield every pair that ``synthesize`` accepted, without its document, in row order."""
    for number in range(shards):
        yield from stream_jsonl(store, folder.synthetic_texts(number), PairText)


def curated_pairs(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[Pair]:
    """
    Yield the pairs that may be used for training, with their documents, in row order.

    :param shards: number of shards of this run. The folder contains more shards if an earlier attempt read a longer
        CSV.
    """
    repeated = _repeated_keys(store, folder, shards)
    for number in range(shards):
        for pair in stream_jsonl(store, folder.synthetic(number), Pair):
            if (pair["row_id"], pair["pair"]) not in repeated:
                yield pair


def curated_texts(store: ObjectStore, folder: RunFolder, *, shards: int) -> Iterator[PairText]:
    """Yield the pairs of :func:`curated_pairs` without their documents, which make up most of the data."""
    repeated = _repeated_keys(store, folder, shards)
    for pair in accepted_texts(store, folder, shards=shards):
        if (pair["row_id"], pair["pair"]) not in repeated:
            yield pair


def _repeated_keys(store: ObjectStore, folder: RunFolder, shards: int) -> set[tuple[str, int]]:
    if not shards:  # no pairs were requested, so the task ``curate`` wrote no file
        return set()
    return {(pair["row_id"], pair["pair"]) for pair in stream_jsonl(store, folder.synthetic_repeated, RepeatedPair)}
