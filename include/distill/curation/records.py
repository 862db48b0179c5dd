"""Define the records of curation: accepted and rejected pairs, their counts, and counts of the critic's verdicts."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.inference.records import UsageRecord, WrittenPair

# The critic's verdict on a pair. "not_looked_at" means that the budget was used up before the critic checked the pair.
GroundingVerdict = Literal["grounded", "ungrounded", "unparsable", "not_looked_at"]
CriticCountName = Literal[
    "grounded",
    "ungrounded",
    "unparsable",
    "not_looked_at",
    "calls",
    "cache_hits",
    "input_tokens",
    "output_tokens",
]
# Names of the counts that are summed over the tasks of ``synthesize``.
SynthesisCountName = Literal[
    "documents",
    "requested",
    "accepted",
    "rejected",
    "missing",
    "surplus",
    "calls",
    "cache_hits",
    "input_tokens",
    "output_tokens",
    "batch_calls",
    "batch_input_tokens",
    "batch_output_tokens",
]


class PairText(WrittenPair):
    """
    One accepted pair without its document. The record is stored in ``synthetic/texts-<shard>.jsonl``.

    ``pair_sample`` of ``report/report.json`` contains up to ten of these records.
    """

    row_id: str  # row that the pair was written from
    pair: int  # index of the pair among the accepted pairs of that row, starting at 0
    # Share of the answer's content words that the document or the question contains, 0 to 1. Earlier versions stored
    # the share of the answer's character n-grams, or nothing.
    grounding: NotRequired[float]
    critic: NotRequired[GroundingVerdict]  # "grounded" or "not_looked_at"; absent if the critic was not called
    # Why the grounding check cannot decide whether the document supports the answer. Absent if it can, or if the critic
    # decided.
    undecided: NotRequired[list[str]]


class Pair(PairText):
    """One accepted pair with the document of its row. The record is stored in ``synthetic/accepted-<shard>.jsonl``."""

    document: str


class RejectedPair(TypedDict):
    """
    One pair that the teacher wrote but the run does not use, with the reason.

    The record is stored in ``synthetic/rejected-<shard>.jsonl``.
    """

    row_id: str
    filter: str  # name of the filter, "critic", or "surplus"
    reason: str
    message: str
    text: WrittenPair
    surplus: NotRequired[Literal[True]]  # present if the pair is surplus and therefore not counted as rejected


class RepeatedPair(RejectedPair):
    """
    An accepted pair whose question repeats the question of another row or pair.

    The record is stored in ``synthetic/rejected-repeated.jsonl``.
    """

    pair: int  # index of the pair among the accepted pairs of its row, starting at 0
    undecided: NotRequired[list[str]]  # as in :class:`PairText`


class CriticCounts(TypedDict):
    """
    The number of pairs for each verdict of the critic, and the critic's usage in this run.

    The record is stored as ``critic`` in the manifests of ``synthesize`` and ``curate``, and in ``synthesis`` of
    ``report/report.json``.
    """

    grounded: int
    ungrounded: int
    unparsable: int
    not_looked_at: int
    calls: int
    cache_hits: int
    input_tokens: int
    output_tokens: int
    simulated: bool


class PairCounts(TypedDict):
    """
    Numbers of requested pairs and their outcomes. ``requested = accepted + rejected + missing``.

    The record is stored as ``synthesis`` in ``merged/<arm>/data_card.json``, and is part of the manifests of
    ``synthesize`` and ``curate``.
    """

    documents: int  # rows sent to the teacher
    requested: int
    accepted: int
    rejected: int
    missing: int  # requested but never written
    surplus: int  # written beyond the requested number
    # Accepted pairs that the grounding check left undecided and that no critic checked. Absent from records of earlier
    # versions.
    undecided: NotRequired[int]


class SampleCounts(PairCounts):
    """Pair counts, and the number of rejected pairs by filter; a part of :class:`SynthesisTotals`."""

    dropped: dict[str, int]  # by filter, sorted by name


class NewPairCounts(TypedDict):
    """
    The part of the pairs for which this run paid the teacher. A later run compares its new pairs with these.

    The record is stored as ``new_pairs`` in the manifests of ``synthesize`` and ``curate``.
    """

    documents: int  # rows for which this run paid for at least one answer
    requested: int
    accepted: int  # including pairs that ``curate`` drops because they repeat a question of another row


class SynthesisTotals(SampleCounts, UsageRecord):
    """
    The pair counts and the model usage of one or more tasks ``synthesize``.

    The record is part of :class:`SynthesisManifest` and :class:`CurateManifest`.
    """

    failed: int  # rows for which the teacher gave no answer
    critic: NotRequired[CriticCounts]  # absent without a critic
    new_pairs: NotRequired[NewPairCounts]  # absent from results of earlier versions


class CurateManifest(SynthesisTotals):
    """
    Result of ``curate``: the sums over all shards, with repeated pairs counted as rejected.

    The record is passed through XCom only.
    """

    shards: int  # number of shards in which the pairs are stored
