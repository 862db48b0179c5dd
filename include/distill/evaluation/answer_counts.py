"""
Count how the answers of each arm ended, and say which arms have too many incomplete answers for a promotion.

A judge cannot tell a poor answer from an answer that was cut at ``answering.max_tokens``, stopped by a filter, or
empty. Judges compare such answers like all others, because the user of the model would get the same text. But the
cause may be a setting instead of the model, so the report counts these answers, and the promotion rule allows only a
few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.records import Answer, AnswerEndings
from include.distill.inference.answer_endings import Ending, ending_of

# If this share of an arm's answers is incomplete, these answers change the half-win rate by at most 0.02, which is the
# default of promotion.margin.
MAX_INCOMPLETE_SHARE = Promotion().max_incomplete_share

_Incomplete = Literal["truncated", "filtered", "malformed", "interrupted", "empty", "unknown"]
_INCOMPLETE: tuple[_Incomplete, ...] = get_args(_Incomplete)
_WORDS: dict[_Incomplete, str] = {"unknown": "with an unknown stop reason"}


def count_endings(answers: Iterable[Answer]) -> AnswerEndings:
    """Count the answers of one arm by how they ended. Second answers, for the noise control, are not counted."""
    counts: Counter[Ending] = Counter()
    unknown: Counter[str] = Counter()
    for answer in answers:
        stop_reason = answer.get("stop_reason")
        ending = ending_of(stop_reason, answer["answer"])
        counts[ending] += 1
        if ending == "unknown":
            unknown[str(stop_reason)] += 1
    return {
        "answers": counts.total(),
        "complete": counts["complete"],
        "truncated": counts["truncated"],
        "filtered": counts["filtered"],
        "malformed": counts["malformed"],
        "interrupted": counts["interrupted"],
        "empty": counts["empty"],
        "unknown": counts["unknown"],
        "unknown_stop_reasons": dict(unknown.most_common()),
    }


def incomplete_share(endings: AnswerEndings) -> float:
    """Return the share of answers that are not known to be complete. Without answers, the share is 1."""
    return (endings["answers"] - endings["complete"]) / endings["answers"] if endings["answers"] else 1.0


def describe_endings(endings: AnswerEndings) -> str:
    """Describe how the answers of one arm ended: "3 of 100 answers are incomplete (2 truncated, 1 empty)"."""
    total, incomplete = endings["answers"], endings["answers"] - endings["complete"]
    if not total:
        return "no answers"
    if not incomplete:
        return f"all {total:,} answers are complete" if total > 1 else "the only answer is complete"
    kinds = ", ".join(f"{endings[name]:,} {_WORDS.get(name, name)}" for name in _INCOMPLETE if endings[name])
    words = ", ".join(map(repr, endings["unknown_stop_reasons"]))
    note = f"; the unknown stop reasons are {words}" if words else ""
    return f"{incomplete:,} of {total:,} answers are incomplete ({kinds}{note})"


def incomplete_answer_problems(
    arms: Collection[str], endings: Mapping[str, AnswerEndings], limit: float = MAX_INCOMPLETE_SHARE
) -> list[str]:
    """
    Return one sentence for each of ``arms`` whose share of incomplete answers is above ``limit``.

    An arm whose answers were not counted also gets a sentence, because a condition that cannot be checked counts as not
    met.

    :param limit: ``promotion.max_incomplete_share`` of the use case.
    """
    problems = []
    for arm in arms:
        if arm not in endings:
            problems.append(f"the stop reasons of the answers of {arm} were not counted")
        elif incomplete_share(endings[arm]) > limit:
            problems.append(f"{arm}: {describe_endings(endings[arm])}, but at most {limit:.1%} may be incomplete")
    return problems


def incomplete_answer_warnings(endings: Mapping[str, AnswerEndings], limit: float = MAX_INCOMPLETE_SHARE) -> list[str]:
    """Return a warning for each arm whose share of incomplete answers is above ``limit``, with the remedy."""
    return [
        f"{problem}. The judges compared these answers like all others, but the arm can neither be promoted nor"
        f" replaced. {_remedy(endings[arm])}"
        for arm in endings
        for problem in incomplete_answer_problems([arm], endings, limit)
    ]


def explain_incomplete_answers(answers: Iterable[Answer], *, uri: str) -> str:
    """
    Say how many answers of a shard are incomplete, why, and what to change; empty if all answers are complete.

    :param uri: the file that contains the answers.
    """
    endings = count_endings(answers)
    if not incomplete_share(endings) or not endings["answers"]:
        return ""
    return f"{describe_endings(endings)}. The judges compare them like all others. {_remedy(endings, uri)}"


def _remedy(endings: AnswerEndings, uri: str = "the arm's folder below answers/ in the run's folder") -> str:
    if endings["truncated"]:
        change = "Raise answering.max_tokens to get complete answers."
    elif endings["unknown"]:
        change = "Add the unknown stop reasons to include/distill/inference/answer_endings.py."
    else:
        change = f"Read the answers in {uri} to find the cause, and change the prompt for answering or the student."
    return f"{change} Then clear preflight with downstream; only requests that have changed are paid for again."
