"""
Pairwise judging without the asking: what a judge's letters mean, and what its two verdicts say together.

Every question is put to every judge twice, each answer once in the first place, because a judge with a liking
for a place would otherwise decide the comparison. Only a winner named in both orders is a winner. What cannot
be parsed is counted as such and never dropped: dropping it would turn a judge's failure into agreement.
Two equal answers are a tie that no judge is asked about: both orders would be the same question.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from include.distill.core.errors import InputError, ReconciliationError
from include.distill.core.naming import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Order = Literal["candidate_first", "baseline_first"]
Letter = Literal["A", "B", "TIE"]
Outcome = Literal["candidate", "baseline", "tie", "unparsable"]

_DECISIVE = ("candidate", "baseline")
_SHOWN_FIRST: dict[Order, Outcome] = {"candidate_first": "candidate", "baseline_first": "baseline"}
_SHOWN_SECOND: dict[Order, Outcome] = {"candidate_first": "baseline", "baseline_first": "candidate"}


class Tally(TypedDict):
    """Counts of one comparison. ``n = wins + losses + ties + unparsable``; a rate of nothing is ``None``."""

    n: int
    wins: int
    losses: int
    ties: int
    unparsable: int
    same: int
    flip_rate: float | None
    first_position_rate: float | None
    longer_wins_rate: float | None


@dataclass(frozen=True, order=True)
class ResolvedVerdict:
    """
    What one judge says of one question, from both orders.

    :param longer: whose answer has more characters; ``None`` when neither has, or where nobody counted.
    :param same: the two answers were equal, so that the judge was not asked.
    """

    judge: str
    candidate: str
    baseline: str
    row_id: str
    candidate_first: Outcome
    baseline_first: Outcome
    longer: Literal["candidate", "baseline"] | None = None
    same: bool = False

    @property
    def outcome(self) -> Outcome:
        """Return the winner both orders name; ``"unparsable"`` if either cannot be read; else ``"tie"``."""
        if "unparsable" in (self.candidate_first, self.baseline_first):
            return "unparsable"
        return self.candidate_first if self.candidate_first == self.baseline_first else "tie"

    @property
    def flipped(self) -> bool:
        """Say whether the two orders name different winners (a tie in one of them is not a flip)."""
        return {self.candidate_first, self.baseline_first} == set(_DECISIVE)


class Disagreement(TypedDict):
    """A question of which the judges, or the people who were asked, think differently."""

    row_id: str
    candidate: str
    baseline: str
    by_judge: dict[str, Outcome]
    by_person: dict[str, str]


def orders() -> tuple[Order, ...]:
    """Return the orders in which every question is asked."""
    return get_args(Order)


def randomized_orders(row_id: str, seed: int) -> tuple[Order, ...]:
    """
    Return both orders of a question, the first to be asked drawn by ``seed``.

    A judge that changes while a run lasts then changes for both orders alike.
    """
    first, second = orders()
    return (first, second) if int(digest(f"{seed}:{row_id}")[:8], 16) % 2 else (second, first)


def answers_in_order(order: Order, candidate_answer: str, baseline_answer: str) -> tuple[str, str]:
    """Return the texts to show as answer A and answer B."""
    if order == "candidate_first":
        return candidate_answer, baseline_answer
    return baseline_answer, candidate_answer


def winner_of(letter: Letter | None, order: Order) -> Outcome:
    """
    Translate a judge's letter into whom it chose.

    :param letter: ``None`` when the judge's reply could not be parsed.
    :raises InputError: neither a letter of the judging prompt nor ``None``.
    """
    if letter is None:
        return "unparsable"
    views: dict[str, Outcome] = {"A": _SHOWN_FIRST[order], "B": _SHOWN_SECOND[order], "TIE": "tie"}
    if letter not in views:
        message = f"A judge's verdict is {letter!r}; expected 'A', 'B', 'TIE', or None for an unparsable reply."
        raise InputError(message)
    return views[letter]


def resolve(verdicts: Iterable[Mapping[str, Any]]) -> list[ResolvedVerdict]:
    """
    Join the two orders of every question; sorted, whatever the order of ``verdicts``.

    :raises ReconciliationError: an order of a question is missing or was stored twice.
    """
    by_question: dict[tuple[str, str, str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for verdict in verdicts:
        question = (verdict["judge"], verdict["candidate"], verdict["baseline"], verdict["row_id"])
        _check(verdict, seen=by_question[question])
        by_question[question][verdict["order"]] = verdict
    return [_join(question, by_question[question]) for question in sorted(by_question)]


def _check(verdict: Mapping[str, Any], *, seen: Mapping[str, object]) -> None:
    where = f"{verdict['judge']} on row {verdict['row_id']}, {verdict['candidate']} and {verdict['baseline']}"
    order, outcome = verdict["order"], verdict["verdict"]
    if order not in get_args(Order) or outcome not in get_args(Outcome):
        message = f"Verdict {outcome!r} in order {order!r} ({where}) is not one that this project writes."
        raise ReconciliationError(message)
    if order in seen:
        message = f"Two verdicts in order {order!r} ({where}); expected one per question and order."
        raise ReconciliationError(message)


def _join(question: tuple[str, str, str, str], by_order: Mapping[str, Mapping[str, Any]]) -> ResolvedVerdict:
    missing = [order for order in orders() if order not in by_order]
    if missing:
        judge, candidate, baseline, row_id = question
        message = (
            f"No verdict in order {missing[0]!r} by {judge} on {candidate} against {baseline}, row {row_id}; "
            "expected both orders. Clear the judge task: stored verdicts are not paid for again."
        )
        raise ReconciliationError(message)
    verdict = by_order["candidate_first"]
    return ResolvedVerdict(
        *question,
        verdict["verdict"],
        by_order["baseline_first"]["verdict"],
        longer=_longer(verdict.get("candidate_characters"), verdict.get("baseline_characters")),
        same=bool(verdict.get("same")),
    )


def _longer(candidate: int | None, baseline: int | None) -> Literal["candidate", "baseline"] | None:
    if candidate is None or baseline is None or candidate == baseline:
        return None
    return "candidate" if candidate > baseline else "baseline"


def tally(resolved: Iterable[ResolvedVerdict]) -> Tally:
    """
    Count the outcomes of one comparison.

    ``same``: ties because the answers were equal. ``flip_rate``: of the questions asked with both orders parsed, the
    share whose orders name different winners. ``first_position_rate``: of all single verdicts that name a winner, the
    share that chose the answer shown first; 0.5 for a judge that does not care. ``longer_wins_rate``: of the decided
    questions with answers of different length, the share won by the longer one.
    """
    questions = list(resolved)
    outcomes = [question.outcome for question in questions]
    parsed = [question for question in questions if question.outcome != "unparsable" and not question.same]
    by_length = [question for question in questions if question.longer and question.outcome in _DECISIVE]
    chosen = [_place(question.candidate_first, "candidate_first") for question in questions]
    chosen += [_place(question.baseline_first, "baseline_first") for question in questions]
    return {
        "n": len(questions),
        "wins": outcomes.count("candidate"),
        "losses": outcomes.count("baseline"),
        "ties": outcomes.count("tie"),
        "unparsable": outcomes.count("unparsable"),
        "same": sum(question.same for question in questions),
        "flip_rate": _share(sum(question.flipped for question in parsed), len(parsed)),
        "first_position_rate": _share(chosen.count("first"), len(chosen) - chosen.count(None)),
        "longer_wins_rate": _share(sum(q.outcome == q.longer for q in by_length), len(by_length)),
    }


def _place(outcome: Outcome, order: Order) -> Literal["first", "second"] | None:
    if outcome not in _DECISIVE:
        return None
    return "first" if outcome == _SHOWN_FIRST[order] else "second"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def find_disagreements(
    resolved: Iterable[ResolvedVerdict],
    people: Mapping[tuple[str, str, str], Mapping[str, str]] | None = None,
    *,
    pairs: Sequence[tuple[str, str]] = (),
) -> list[Disagreement]:
    """
    Return the questions of which judges or people think differently, in the order in which they are worth reading.

    First those that a person labelled, then opposite winners before a winner and a tie. An unparsable reply is a
    failure, not an opinion: it is shown, but does not make a disagreement.

    :param people: per candidate, baseline and row id, the verdict of each person who gave one.
    :param pairs: candidates and baselines in the order of interest; others come behind them.
    """
    opinions: dict[tuple[str, str, str], dict[str, Outcome]] = defaultdict(dict)
    for question in resolved:
        opinions[(question.candidate, question.baseline, question.row_id)][question.judge] = question.outcome
    places = {pair: place for place, pair in enumerate(pairs)}
    ranked: list[tuple[tuple[bool, bool, int, str], Disagreement]] = []
    for (candidate, baseline, row_id), by_judge in sorted(opinions.items()):
        by_person = (people or {}).get((candidate, baseline, row_id), {})
        held = {*by_judge.values(), *by_person.values()} - {"unparsable"}
        if len(held) > 1:
            record: Disagreement = {
                "row_id": row_id,
                "candidate": candidate,
                "baseline": baseline,
                "by_judge": dict(sorted(by_judge.items())),
                "by_person": dict(sorted(by_person.items())),
            }
            place = places.get((candidate, baseline), len(places))
            ranked.append(((not by_person, not held.issuperset(_DECISIVE), place, row_id), record))
    return [record for _, record in sorted(ranked, key=lambda entry: entry[0])]
