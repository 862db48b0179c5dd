"""
Draw what a simulated night finds: rows, pairs, answers, losses and verdicts, in the records of the pipeline's tasks.

Every figure depends only on the seed, the use case and the number of the night, so each command draws the same nights.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from include.distill.config.use_case import UseCase
from include.distill.core.naming import digest
from include.distill.curation.records import CurateManifest, NewPairCounts
from include.distill.dataset.records import IngestManifest, Row
from include.distill.evaluation.records import AnswerManifest, JudgeManifest, Outcome, Verdict
from include.distill.evaluation.verdicts import orders
from include.distill.inference.records import UsageRecord
from include.distill.training.records import LossPoint
from tools.nights.plan import SEED, Night

_TIES = 0.25  # share of the questions on which a judge finds no difference
_NEW_OPINIONS = 0.5  # share of the questions whose verdict is drawn again each night
_OWN_OPINIONS = 0.35  # share of the questions on which a judge's opinion does not depend on the other judge's
_QUESTIONS_PER_DOCUMENT = 2
_DOCUMENT_CHARACTERS = 2_900
_STEPS = 60
# Tokens of one call: input and output.
_TEACHER_TOKENS = (1_150, 150)  # the output is per pair
_ANSWER_TOKENS = (980, 120)
_JUDGE_TOKENS = (1_480, 40)


def chance(*parts: object) -> random.Random:
    """Return a generator whose numbers depend only on ``parts`` and on the seed of all nights."""
    return random.Random(digest(str(SEED), *map(str, parts)))


def _of(night: Night, *parts: object) -> random.Random:
    return chance(night.use_case, night.number, *parts)


def evaluation_rows(night: Night) -> list[Row]:
    """Return the evaluation rows. They are the same each night."""
    return [
        {
            "row": number,
            "line": number + 1,
            "source": "SIMULATED",
            "row_id": digest(night.use_case, str(number))[:16],
            "group": digest(night.use_case, "group", str(number // _QUESTIONS_PER_DOCUMENT))[:16],
            "document": f"SIMULATED document {number // _QUESTIONS_PER_DOCUMENT}",
            "question": f"SIMULATED question {number}",
            "answer": "SIMULATED",
        }
        for number in range(1, night.questions + 1)
    ]


def ingested(night: Night, before: str | None) -> IngestManifest:
    """
    Draw the result of ``ingest``.

    :param before: run key of the last night with a report.
    """
    draw = _of(night, "rows")
    rejected = draw.randint(4, 9)
    duplicates = draw.randint(1, rejected - 1)
    documents = night.rows + night.questions // _QUESTIONS_PER_DOCUMENT
    return {
        "rows": night.rows + night.questions + rejected,
        "accepted": night.rows + night.questions,
        "rejected": rejected,
        "train": night.rows,
        "evaluation": night.questions,
        "reasons": {"duplicate": duplicates, "empty_field": rejected - duplicates},
        "mean_document_characters": round(_DOCUMENT_CHARACTERS + draw.gauss(0, 25), 1),
        "split": {
            "documents": documents,
            "groups": documents,
            "evaluation_documents": night.questions // _QUESTIONS_PER_DOCUMENT,
            "evaluation_groups": night.questions // _QUESTIONS_PER_DOCUMENT,
            "largest_group_rows": _QUESTIONS_PER_DOCUMENT,
            "template_documents": 0,
            "same_title_documents": 0,
            "generic_question_rows": 0,
            "kept_leaks": 0,
            "is_near_share": True,
        },
        "changes": {
            "since": before,
            "added": 4 if before else None,
            "changed": night.changed_rows - 4 if before else None,
            "gone": 0 if before else None,
            "settings": [],
        },
    }


def curated(night: Night) -> CurateManifest:
    """Draw the result of ``curate``. Only the changed rows were sent to the teacher; the other answers are stored."""
    draw = _of(night, "pairs")
    requested = night.rows * night.pairs
    fates = draw.choices(
        ("accepted", "ungrounded", "repeated", "too_long", "missing"), (0.86, 0.06, 0.04, 0.02, 0.02), k=requested
    )
    dropped = {name: fates.count(name) for name in ("repeated", "too_long", "ungrounded")}
    rejected = sum(dropped.values())
    tokens_in, tokens_out = _TEACHER_TOKENS
    factor = night.cost_factor * draw.gauss(1, 0.015)
    return {
        "documents": night.rows,
        "requested": requested,
        "accepted": fates.count("accepted"),
        "rejected": rejected,
        "missing": fates.count("missing"),
        "surplus": 0,
        "undecided": 0,
        "dropped": dropped,
        "failed": 0,
        "shards": 8,
        "new_pairs": _new_pairs(night, fates),
        "calls": night.changed_rows,
        "cache_hits": night.rows - night.changed_rows,
        "input_tokens": round(tokens_in * night.changed_rows * factor),
        "output_tokens": round(tokens_out * night.changed_rows * night.pairs * factor),
        "batch_calls": 0,
        "batch_input_tokens": 0,
        "batch_output_tokens": 0,
        "simulated": True,
    }


def answered(night: Night, arm: str, *, by_token: bool, is_stored: bool) -> AnswerManifest:
    """
    Return the result of ``answer`` for an arm.

    :param by_token: whether the tokens are billed. An endpoint is billed by the hour.
    :param is_stored: whether the night before has paid for the same answers.
    """
    calls = 0 if is_stored else night.questions
    tokens_in, tokens_out = _ANSWER_TOKENS if by_token else (0, 0)
    usage = _usage(calls, night.questions - calls, tokens_in * calls, tokens_out * calls)
    return {"arm": arm, "rows": night.questions, **usage}


def judged(night: Night, judge: str, candidate: str, baseline: str) -> JudgeManifest:
    """Return the result of ``judge`` for one judge and pair of arms."""
    calls = 2 * night.questions
    tokens_in, tokens_out = _JUDGE_TOKENS
    return {
        "judge": judge,
        "candidate": candidate,
        "baseline": baseline,
        "verdicts_uri": "",
        "verdicts": calls,
        **_usage(calls, 0, tokens_in * calls, tokens_out * calls),
    }


def verdicts(
    night: Night, use_case: UseCase, rows: Sequence[Row], candidate: str, baseline: str, rate: float
) -> list[list[Verdict]]:
    """
    Draw the verdicts of all judges on a pair of arms.

    A question that suits an arm suits it on most nights, and the judges agree on most questions.

    :param rate: the true half-win rate of the candidate.
    """
    pair = (night.use_case, candidate, baseline)
    always, tonight = chance(*pair, "lasting"), _of(night, *pair)
    lasting = [always.random() for _ in range(night.questions)]
    shared = [tonight.random() if tonight.random() < _NEW_OPINIONS else number for number in lasting]
    by_judge = []
    for judge in use_case.judges:
        own = _of(night, *pair, judge)
        numbers = [own.random() if own.random() < _OWN_OPINIONS else number for number in shared]
        by_judge.append(list(_verdicts(rows, numbers, judge, candidate, baseline, rate)))
    return by_judge


def losses(night: Night, arm: str) -> list[LossPoint]:
    """Draw the training loss of an arm's job. A better model has a lower loss."""
    draw = _of(night, "loss", arm)
    floor = 0.95 - night.strength.get(arm, 0.0)
    return [
        {"step": step, "epoch": 2 * step / _STEPS, "loss": round(floor + 1.4 / (1 + step / 6) + draw.gauss(0, 0.01), 4)}
        for step in range(1, _STEPS + 1)
    ]


def minutes(night: Night) -> int:
    """Draw how long the run of the night takes."""
    return 74 + _of(night, "minutes").randint(0, 14)


def _new_pairs(night: Night, fates: Sequence[str]) -> NewPairCounts:
    requested = night.changed_rows * night.pairs
    return {
        "documents": night.changed_rows,
        "requested": requested,
        "accepted": fates[:requested].count("accepted"),
    }


def _verdicts(
    rows: Sequence[Row], numbers: Sequence[float], judge: str, candidate: str, baseline: str, rate: float
) -> Iterator[Verdict]:
    for row, number in zip(rows, numbers, strict=True):
        for order in orders():
            yield {
                "row_id": row["row_id"],
                "judge": judge,
                "candidate": candidate,
                "baseline": baseline,
                "order": order,
                "verdict": _outcome(number, rate),
                "raw": "",
            }


def _outcome(number: float, rate: float) -> Outcome:
    ties = min(_TIES, 2 * rate, 2 * (1 - rate))  # so that no share is below 0
    wins = rate - ties / 2
    if number < wins:
        return "candidate"
    return "tie" if number < wins + ties else "baseline"


def _usage(calls: int, stored: int, input_tokens: int, output_tokens: int) -> UsageRecord:
    return {
        "calls": calls,
        "cache_hits": stored,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "batch_calls": 0,
        "batch_input_tokens": 0,
        "batch_output_tokens": 0,
        "simulated": True,
    }
