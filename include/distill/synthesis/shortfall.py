"""
Say why too few of the requested pairs are usable, and what can help.

Each lost pair has one cause, so the counts of all causes add up to the number of lost pairs. Advice is given only for
the main causes, and only if it can help: the simulated teacher gives the same answer however the prompt is worded and
however often it is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from include.distill.config.sections import Synthesis
from include.distill.curation.filters import FILTERS, LeakFilter, MalformedFilter
from include.distill.curation.records import PairCounts

# An answer without a pair contains at most two words: the language of a code block ("json") and the name of a list.
_EMPTY_ANSWER = re.compile(r"\W*(?:json\b\W*)?\w*\W*", re.IGNORECASE)
_MAIN_SHARE = 0.25  # of the lost pairs; a cause with a smaller share gets advice only if it is the most frequent one
_SETTINGS = {filter_.name: filter_.settings for filter_ in FILTERS} | {"critic": ("critic",)}
# Filters that drop less if their settings are raised.
_RAISED = ("repeats_original", "repeats_pair", "same_topic")
_SIMULATED_LIMIT = (
    "The simulated teacher asks only about sentences of at least three words that the row's own answer does not quote."
    " It gives the same answer however often it is asked, so use documents with more sentences. A real teacher does not"
    " have this limit."
)


@dataclass(frozen=True)
class _Cause:
    lost: int  # number of pairs
    what: str
    advice: str


def is_empty_answer(reject: Mapping[str, Any]) -> bool:
    """
    Return whether a rejected text is an answer in which the teacher wrote no pair, such as "[]".

    :param reject: record of a rejected pair or of unreadable output.
    """
    text = reject["text"]
    return isinstance(text, str) and _EMPTY_ANSWER.fullmatch(text) is not None


def explain_shortfall(
    counts: PairCounts,
    *,
    failed: int,
    advice_on_failed_rows: str,
    dropped: Mapping[str, int],
    rejects: Iterable[Mapping[str, Any]],
    settings: Synthesis,
    simulated: bool,
) -> tuple[str, str]:
    """
    Return the causes of the lost pairs as one sentence, the largest first, and advice for the main causes.

    :param failed: number of rows for which a model gave no answer.
    :param advice_on_failed_rows: what to do about these rows.
    :param dropped: the number of rejected pairs by filter.
    :param rejects: the records of the rejected pairs and of the unreadable output.
    :param simulated: whether the simulated teacher wrote the pairs.
    """
    found = _causes(
        counts, failed, advice_on_failed_rows, Counter(dropped), list(rejects), settings, simulated=simulated
    )
    causes = sorted((cause for cause in found if cause.lost > 0), key=lambda cause: -cause.lost)
    total = sum(cause.lost for cause in causes)
    main = [cause for cause in causes if cause is causes[0] or cause.lost >= _MAIN_SHARE * total]
    told = "; ".join(f"{cause.lost} {cause.what}" for cause in causes)
    return f"Lost pairs: {told}.", " ".join(dict.fromkeys(cause.advice for cause in main))


def _causes(
    counts: PairCounts,
    failed: int,
    advice_on_failed_rows: str,
    dropped: Counter[str],
    rejects: list[Mapping[str, Any]],
    settings: Synthesis,
    *,
    simulated: bool,
) -> Iterable[_Cause]:
    counted = [reject for reject in rejects if not reject.get("surplus")]
    empty = sum(is_empty_answer(reject) for reject in counted)
    unreadable = Counter(reject["reason"] for reject in counted if isinstance(reject["text"], str))
    unread = unreadable.total() - empty
    # An answer without a pair counts as one rejected part; the other requested pairs of its row count as missing.
    missing_in_empty = min(empty * (settings.pairs_per_document - 1), counts["missing"])
    missing_in_failed = min(failed * settings.pairs_per_document, counts["missing"] - missing_in_empty)
    yield _Cause(
        empty + missing_in_empty,
        f"because the teacher's answer contained no pair (for {empty} of {counts['documents']} rows)",
        _SIMULATED_LIMIT if simulated else _advice_on_empty_answers(settings),
    )
    yield _Cause(
        missing_in_failed,
        f"because a model gave no answer (for {failed} rows)",
        advice_on_failed_rows,
    )
    yield _Cause(
        counts["missing"] - missing_in_empty - missing_in_failed,
        "because the teacher wrote fewer pairs than requested",
        _SIMULATED_LIMIT if simulated else _advice_on_missing_pairs(settings),
    )
    yield _Cause(unread, "because the teacher's output cannot be read", _advice_on_unreadable_output(unreadable))
    dropped[MalformedFilter.name] -= unreadable.total()
    for name, number in dropped.items():
        yield _Cause(number, f"dropped by the filter {name}", _advice_on_filter(name, settings, simulated=simulated))


def _advice_on_empty_answers(settings: Synthesis) -> str:
    advice = "Check that the documents contain text to ask about, and that the prompt asks for pairs."
    return advice + (" Raise synthesis.attempts to ask more often." if settings.attempts < 5 else "")


def _advice_on_missing_pairs(settings: Synthesis) -> str:
    again = "Raise synthesis.rounds to request missing pairs again, or lower" if settings.rounds < 5 else "Lower"
    return f"{again} synthesis.pairs_per_document."


def _advice_on_unreadable_output(reasons: Mapping[str, int]) -> str:
    if 2 * reasons.get("truncated", 0) > sum(reasons.values()):
        return "Raise synthesis.max_tokens, because most of the unreadable output is cut off."
    return "Change the prompt so that it asks for the JSON that the messages in synthetic/rejected-*.jsonl describe."


def _advice_on_filter(name: str, settings: Synthesis, *, simulated: bool) -> str:
    if name == LeakFilter.name:
        return "Use evaluation questions about documents that have no training rows, or raise max_leak_similarity."
    keys = ", ".join(f"curation.{key}" for key in _SETTINGS.get(name, ()))
    ways = [f"{'raise' if name in _RAISED else 'change'} {keys} in the use case" if keys else "correct the documents"]
    if name in ("repeats_original", "repeats_pair"):
        ways.insert(0, "use documents that are less alike")
    if not simulated:
        ways.append("improve the prompt")
        if settings.rounds < 5:
            ways.append("raise synthesis.rounds to replace dropped pairs")
    return f"For the filter {name}: {', or '.join(ways)}."
