"""
Translate a judge's letters into arms, combine the judge's two verdicts on each question, and count the outcomes.

Every judge compares the answers to every question twice, in both orders, to cancel position bias. An arm wins only if
it is the winner in both orders. Unparsable replies are counted and never dropped, because dropping them would hide the
judge's failures. Two equal answers are a tie, and no judge is called for them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from include.distill.core.errors import InputError, ReconciliationError
from include.distill.core.naming import digest
from include.distill.evaluation.records import Disagreement, Letter, Order, Outcome, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.distill.evaluation.records import Verdict

_DECISIVE = ("candidate", "baseline")
_SHOWN_FIRST: dict[Order, Outcome] = {"candidate_first": "candidate", "baseline_first": "baseline"}
_SHOWN_SECOND: dict[Order, Outcome] = {"candidate_first": "baseline", "baseline_first": "candidate"}


@dataclass(frozen=True, order=True)
class ResolvedVerdict:
    """
    One judge's verdicts on one question in both orders.

    :param candidate_first: the verdict when the candidate's answer is shown first.
    :param longer: the arm whose answer has more characters; ``None`` if both are equally long, or if an earlier version
        stored the verdict without lengths.
    :param same: whether the two answers are equal. If so, the judge was not called.
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
        """The winner if both orders agree, "unparsable" if either verdict is unparsable, otherwise "tie"."""
        if "unparsable" in (self.candidate_first, self.baseline_first):
            return "unparsable"
        return self.candidate_first if self.candidate_first == self.baseline_first else "tie"

    @property
    def flipped(self) -> bool:
        """Whether the two orders have different winners. A tie in one order is not a flip."""
        return {self.candidate_first, self.baseline_first} == set(_DECISIVE)


def orders() -> tuple[Order, ...]:
    """Return the two orders in which every pair of answers is judged."""
    return get_args(Order)


def randomized_orders(row_id: str, seed: int) -> tuple[Order, ...]:
    """
    Return both orders of a question. ``row_id`` and ``seed`` decide which one is judged first.

    About half of the questions start with each order. Therefore, if the provider changes the judge's model during a
    run, the change affects both orders about equally.
    """
    first, second = orders()
    return (first, second) if int(digest(f"{seed}:{row_id}")[:8], 16) % 2 else (second, first)


def answers_in_order(order: Order, candidate_answer: str, baseline_answer: str) -> tuple[str, str]:
    """Return the answers to show as answer A and as answer B."""
    if order == "candidate_first":
        return candidate_answer, baseline_answer
    return baseline_answer, candidate_answer


def winner_of(letter: Letter | None, order: Order) -> Outcome:
    """
    Translate a judge's letter into the arm that the judge chose.

    :param letter: ``None`` when the judge's reply could not be parsed.
    :raises InputError: the judging prompt does not offer this letter.
    """
    if letter is None:
        return "unparsable"
    outcomes: dict[str, Outcome] = {"A": _SHOWN_FIRST[order], "B": _SHOWN_SECOND[order], "TIE": "tie"}
    if letter not in outcomes:
        message = (
            f"A judge's verdict is {letter!r}; expected 'A', 'B', 'TIE', or None for an unparsable reply. The verdict"
            " was not stored. Correct the function that parses the judge's replies."
        )
        raise InputError(message)
    return outcomes[letter]


def resolve(verdicts: Iterable[Verdict]) -> list[ResolvedVerdict]:
    """
    Combine the two verdicts that a judge gave on each question, one for each order of the answers.

    :return: one verdict per question, sorted by judge, pair of arms and row.
    :raises ReconciliationError: the verdict for one order is missing or was stored twice.
    """
    by_question: dict[tuple[str, str, str, str], dict[Order, Verdict]] = defaultdict(dict)
    for verdict in verdicts:
        question = (verdict["judge"], verdict["candidate"], verdict["baseline"], verdict["row_id"])
        _check(verdict, seen=by_question[question])
        by_question[question][verdict["order"]] = verdict
    return [_join(question, by_question[question]) for question in sorted(by_question)]


def _check(verdict: Verdict, *, seen: Mapping[Order, Verdict]) -> None:
    where = f"{verdict['judge']} on row {verdict['row_id']}, {verdict['candidate']} against {verdict['baseline']}"
    order, outcome = verdict["order"], verdict["verdict"]
    # Values are not checked when a file is read, and an unknown value would be ignored silently in the counts.
    if order not in get_args(Order) or outcome not in get_args(Outcome):
        raise ReconciliationError(
            f"Unknown verdict {outcome!r} or unknown order of the two answers {order!r} ({where}). This pipeline does"
            " not write them.",
            left="Nothing was counted.",
            to_do="Clear the judge task; stored answers are not paid for again.",
        )
    if order in seen:
        raise ReconciliationError(
            f"Two verdicts in order {order!r} ({where}), but there must be only one.",
            left="Nothing was counted.",
            to_do="Clear the judge task; stored answers are not paid for again.",
        )


def _join(question: tuple[str, str, str, str], by_order: Mapping[Order, Verdict]) -> ResolvedVerdict:
    missing = [order for order in orders() if order not in by_order]
    if missing:
        judge, candidate, baseline, row_id = question
        raise ReconciliationError(
            f"{judge} gave no verdict on row {row_id} ({candidate} against {baseline}) with the answers in the order"
            f" {missing[0]!r}. Verdicts in both orders are required.",
            left="Nothing was counted.",
            to_do="Clear the judge task; stored answers are not paid for again.",
        )
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
    Count the questions of one comparison by outcome, and compute the rates.

    * ``same``: number of questions that are ties because the two answers are equal.
    * ``flip_rate``: share of questions whose two orders have different winners, among the questions that the judge was
      called for and whose verdicts were parsed in both orders.
    * ``first_position_rate``: share of verdicts for the answer shown first, among all individual verdicts that name a
      winner. It is 0.5 for a judge without position bias.
    * ``longer_wins_rate``: share of questions won by the longer answer, among the decided questions with answers of
      different length.
    """
    questions = list(resolved)
    outcomes = [question.outcome for question in questions]
    asked = [question for question in questions if question.outcome != "unparsable" and not question.same]
    by_length = [question for question in questions if question.longer and question.outcome in _DECISIVE]
    positions = [_chosen_position(question.candidate_first, "candidate_first") for question in questions]
    positions += [_chosen_position(question.baseline_first, "baseline_first") for question in questions]
    return {
        "n": len(questions),
        "wins": outcomes.count("candidate"),
        "losses": outcomes.count("baseline"),
        "ties": outcomes.count("tie"),
        "unparsable": outcomes.count("unparsable"),
        "same": sum(question.same for question in questions),
        "flip_rate": _share(sum(question.flipped for question in asked), len(asked)),
        "first_position_rate": _share(positions.count("first"), len(positions) - positions.count(None)),
        "longer_wins_rate": _share(sum(q.outcome == q.longer for q in by_length), len(by_length)),
    }


def _chosen_position(outcome: Outcome, order: Order) -> Literal["first", "second"] | None:
    if outcome not in _DECISIVE:
        return None
    return "first" if outcome == _SHOWN_FIRST[order] else "second"


def _share(part: int, total: int) -> float | None:
    return part / total if total else None


def find_disagreements(
    resolved: Iterable[ResolvedVerdict],
    people: Mapping[tuple[str, str, str], Mapping[str, Outcome]] | None = None,
    *,
    pairs: Sequence[tuple[str, str]] = (),
) -> list[Disagreement]:
    """
    Return the questions on which judges or people disagree, the most interesting first.

    Questions that a person labeled come first, and all other questions follow. In each of these two parts, questions
    with opposite winners come before questions with a winner and a tie. An unparsable reply is a failure, not an
    opinion, so it does not count as disagreement. If a question is returned for another reason, its record also
    contains the unparsable replies.

    :param people: verdict of each person, by candidate, baseline and row id.
    :param pairs: pairs of candidate and baseline, the most interesting first. Pairs that are not listed come last.
    """
    opinions: dict[tuple[str, str, str], dict[str, Outcome]] = defaultdict(dict)
    for question in resolved:
        opinions[(question.candidate, question.baseline, question.row_id)][question.judge] = question.outcome
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    ranked: list[tuple[tuple[bool, bool, int, str], Disagreement]] = []
    for (candidate, baseline, row_id), by_judge in sorted(opinions.items()):
        by_person = (people or {}).get((candidate, baseline, row_id), {})
        distinct = {*by_judge.values(), *by_person.values()} - {"unparsable"}
        if len(distinct) > 1:
            record: Disagreement = {
                "row_id": row_id,
                "candidate": candidate,
                "baseline": baseline,
                "by_judge": dict(sorted(by_judge.items())),
                "by_person": dict(sorted(by_person.items())),
            }
            rank = ranks.get((candidate, baseline), len(ranks))
            ranked.append(((not by_person, not distinct.issuperset(_DECISIVE), rank, row_id), record))
    return [record for _, record in sorted(ranked, key=lambda entry: entry[0])]
