"""
All that was judged in a run, as the parts of its report.

Comparisons of an arm with itself, the noise control, are kept apart: they say how much judges and sampling differ by
chance, and take part in no correction and no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.distill.config.use_case import UseCase, repeat_arm_name
from include.distill.core.storage import Record
from include.distill.evaluation.judge_families import family_warnings
from include.distill.evaluation.promotion import Decision, decide_promotion, false_promotions_a_year, rule_sentence
from include.distill.report.run_summary import agreement_records, document_group_by_row


@dataclass(frozen=True)
class JudgedRun:
    """
    What the judges, and people, said of a run.

    :param evaluation: the rows that were asked.
    :param verdicts: one list per judge and pair of arms, the pair of the headline first, the noise control among them.
    :param labels: as in :func:`include.distill.report.run_summary.people_verdicts`.
    :param champion_before: the model that is champion already.
    """

    use_case: UseCase
    evaluation: Sequence[Record]
    verdicts: Sequence[Sequence[Record]]
    labels: Sequence[Record] = ()
    champion_before: str | None = None

    @property
    def compared(self) -> list[Sequence[Record]]:
        """The verdicts on pairs of arms."""
        return [records for records in self.verdicts if not _is_control(records)]

    def report_parts(self, count_contaminated: Callable[[], int]) -> dict[str, Any]:
        """
        Return arguments of :func:`include.distill.report.report.build_report`.

        :param count_contaminated: counts the evaluation questions that were trained on; called only where a rule asks.
        """
        flat = [verdict for records in self.compared for verdict in records]
        groups = document_group_by_row(self.evaluation)
        return {
            "verdicts": self.compared,
            "clusters": groups,
            "max_unparsable_share": self.use_case.judging.max_unparsable_share,
            "noise_control": [records for records in self.verdicts if _is_control(records)],
            "noise_control_note": noise_control_note(self.use_case),
            "agreement": agreement_records(flat, groups, self.labels),
            "warnings": family_warnings(self.use_case),
            "promote": lambda comparisons: promotion_record(
                self.use_case, comparisons, count_contaminated=count_contaminated, champion_before=self.champion_before
            ),
        }


def _is_control(records: Sequence[Record]) -> bool:
    return bool(records) and records[0]["baseline"] == repeat_arm_name(records[0]["candidate"])


def noise_control_note(use_case: UseCase) -> str:
    """Say what the noise control is, or why there is none."""
    arm = use_case.noise_control_arm
    if arm:
        return (
            f"Noise control: {arm} answered every question a second time, and the judges compared the two; what differs"
            " from a half-win rate of 50% there is chance."
        )
    if not use_case.judging.noise_control:
        return "There is no noise control: judging.noise_control is off."
    if use_case.answering.temperature == 0:
        return (
            "There is no noise control: arms answer at temperature 0, where a second answer is the first. Set"
            " answering.temperature above 0 to measure how far chance moves these figures."
        )
    return "There is no noise control: no base arm could be asked a second time without serving a model for it."


def promotion_record(
    use_case: UseCase,
    comparisons: Sequence[Mapping[str, Any]],
    *,
    count_contaminated: Callable[[], int],
    champion_before: str | None = None,
) -> dict[str, Any]:
    """
    Return the rule and what it says of every arm that was compared with the one in the champion's place.

    That is the champion, or the first base arm in a use case without one, where nobody is promoted any more once there
    is a champion.

    :param champion_before: the model that is champion already.
    """
    champion = champion_slot(use_case)
    candidates = list(dict.fromkeys(c["candidate"] for c in comparisons if c["baseline"] == champion))
    contaminated = count_contaminated() if candidates else None
    decisions = [
        decide_promotion(
            comparisons,
            candidate=candidate,
            champion=str(champion),
            judges=use_case.judges,
            contaminated=contaminated,
            rule=use_case.promotion,
        )
        for candidate in candidates
    ]
    return {
        "rule": rule_sentence(use_case.promotion),
        "false_promotions_a_year": false_promotions_a_year(use_case.promotion, candidates=max(1, len(candidates))),
        "decisions": [_unless_unseen(use_case, decision, champion_before).as_record() for decision in decisions],
    }


def _unless_unseen(use_case: UseCase, decision: Decision, champion_before: str | None) -> Decision:
    """Promote nobody in place of a champion that the run was not compared with."""
    if champion_before is None or use_case.champion_arm is not None:
        return decision
    unseen = f"it was not compared with the champion, {champion_before}: add an arm of kind champion"
    kept = () if decision.promoted else decision.reasons
    return replace(decision, promoted=False, reasons=(unseen, *kept))


def champion_slot(use_case: UseCase) -> str | None:
    """Return the arm that a candidate would replace: the champion, else the first base arm."""
    kinds: Iterable[str] = ("champion", "base")
    return next((arm.name for kind in kinds for arm in use_case.arms if arm.kind == kind), None)
