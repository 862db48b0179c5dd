"""
Compute the judged parts of a report from all verdicts: comparisons, noise control, agreement and promotion.

The noise control compares an arm with its own second answers. The control shows how much judgments and sampling vary by
chance. It does not affect the corrected p-values or the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from include.distill.config.use_case import UseCase, repeat_arm_name
from include.distill.dataset.records import Row
from include.distill.evaluation.answer_counts import incomplete_answer_problems, incomplete_answer_warnings
from include.distill.evaluation.judge_families import family_warnings
from include.distill.evaluation.promotion import Decision, decide_promotion, false_promotions_a_year, rule_sentence
from include.distill.evaluation.records import AnswerEndings, ComparisonResult, PromotionRecord, Verdict
from include.distill.labeling.records import Label
from include.distill.report.opinions import agreement_records
from include.distill.report.records import JudgedParts
from include.distill.report.run_summary import document_group_by_row


@dataclass(frozen=True)
class JudgedRun:
    """
    The judges' verdicts and the people's labels on the answers of a run.

    :param evaluation: the evaluation rows.
    :param verdicts: one list per judge and pair of arms, including the noise control. The lists for the pair of arms in
        the report's verdict come first.
    :param labels: labels on answers that the run still has.
    :param champion_before: ARN of the model that was champion before the run; ``None`` if there was no champion.
    :param answer_endings: counts of each arm's answers by how they ended. An arm without an entry can neither be
        promoted nor replaced.
    """

    use_case: UseCase
    evaluation: Sequence[Row]
    verdicts: Sequence[Sequence[Verdict]]
    labels: Sequence[Label] = ()
    champion_before: str | None = None
    answer_endings: Mapping[str, AnswerEndings] = field(default_factory=dict)

    @property
    def compared(self) -> list[Sequence[Verdict]]:
        """The verdicts on pairs of arms, without the verdicts of the noise control."""
        return [records for records in self.verdicts if not _is_noise_control(records)]

    def report_parts(self, count_contaminated: Callable[[], int | None]) -> JudgedParts:
        """
        Return the arguments of :func:`include.distill.report.build.build_report` that depend on the verdicts.

        :param count_contaminated: counts the evaluation questions that are also in the training data, or returns
            ``None`` if they cannot be counted. It is called only if the promotion rule needs the count, because
            counting reads all pairs.
        """
        all_verdicts = [verdict for records in self.compared for verdict in records]
        groups = document_group_by_row(self.evaluation)
        return {
            "verdicts": self.compared,
            "clusters": groups,
            "max_unparsable_share": self.use_case.judging.max_unparsable_share,
            "noise_control": [records for records in self.verdicts if _is_noise_control(records)],
            "noise_control_note": noise_control_note(self.use_case),
            "agreement": agreement_records(all_verdicts, groups, self.labels),
            "warnings": [
                *incomplete_answer_warnings(self.answer_endings, self.use_case.promotion.max_incomplete_share),
                *family_warnings(self.use_case),
            ],
            "promote": lambda comparisons: promotion_record(
                self.use_case,
                comparisons,
                count_contaminated=count_contaminated,
                champion_before=self.champion_before,
                answer_endings=self.answer_endings,
            ),
            "judges": self.use_case.judges,
        }


def _is_noise_control(records: Sequence[Verdict]) -> bool:
    return bool(records) and records[0]["baseline"] == repeat_arm_name(records[0]["candidate"])


def noise_control_note(use_case: UseCase) -> str:
    """Describe the noise control, or explain why the run has no noise control."""
    arm = use_case.noise_control_arm
    if arm:
        return (
            f"Noise control: {arm} answered every question twice, and the judges compared the two answers. In"
            " this comparison, any difference between the half-win rate and 50% is due to chance."
        )
    if not use_case.judging.noise_control:
        return "There is no noise control: judging.noise_control is off."
    if use_case.answering.temperature == 0:
        return (
            "There is no noise control: at temperature 0, a second answer equals the first. Set answering.temperature"
            " above 0 to measure how much these figures vary by chance."
        )
    return "There is no noise control: only a base arm answers twice, and the use case has no base arm."


def promotion_record(
    use_case: UseCase,
    comparisons: Sequence[ComparisonResult],
    *,
    count_contaminated: Callable[[], int | None],
    champion_before: str | None = None,
    answer_endings: Mapping[str, AnswerEndings] | None = None,
) -> PromotionRecord:
    """
    Apply the promotion rule to every arm that was compared with the champion arm, except base arms.

    In a use case without a champion arm, the rule is applied to the arms that were compared with the first base arm. If
    such a use case had a champion before the run, no candidate is promoted, because no candidate was compared with this
    champion. A base arm has no model of its own that could be promoted, even if its prompt is optimized.

    :param champion_before: ARN of the model that was champion before the run; ``None`` if there was no champion.
    :param answer_endings: counts of each arm's answers by how they ended. An arm without an entry can neither be
        promoted nor replaced.
    """
    champion = champion_slot(use_case)
    candidates = _trained_candidates(use_case, (c["candidate"] for c in comparisons if c["baseline"] == champion))
    contaminated = count_contaminated() if candidates else None
    decisions = [
        decide_promotion(
            comparisons,
            candidate=candidate,
            champion=str(champion),
            judges=use_case.judges,
            contaminated=contaminated,
            rule=use_case.promotion,
            answer_problems=incomplete_answer_problems(
                [candidate, str(champion)], answer_endings or {}, use_case.promotion.max_incomplete_share
            ),
        )
        for candidate in candidates
    ]
    return {
        "rule": rule_sentence(use_case.promotion),
        "false_promotions_a_year": false_promotions_a_year(use_case.promotion, candidates=max(1, len(candidates))),
        "decisions": [_unless_not_compared(use_case, decision, champion_before).as_record() for decision in decisions],
    }


def _unless_not_compared(use_case: UseCase, decision: Decision, champion_before: str | None) -> Decision:
    """Refuse the promotion if it would replace a champion that the candidate was not compared with."""
    if champion_before is None or use_case.champion_arm is not None:
        return decision
    reason = f"the candidate was not compared with the champion {champion_before}; add an arm of kind champion"
    # The reasons for a promotion list the conditions that are met. Here, they would contradict the refusal.
    unmet = () if decision.promoted else decision.reasons
    return replace(decision, promoted=False, reasons=(reason, *unmet))


def possible_candidates(use_case: UseCase) -> list[str]:
    """Return the arms that a run may promote: those that are compared with the arm that a candidate would replace."""
    slot = champion_slot(use_case)
    return _trained_candidates(use_case, (pair.candidate for pair in use_case.pairs if pair.baseline == slot))


def _trained_candidates(use_case: UseCase, candidates: Iterable[str]) -> list[str]:
    """Return each candidate once, without the base arms, which have no model of their own."""
    base_arms = {arm.name for arm in use_case.arms if arm.kind == "base"}
    return [arm for arm in dict.fromkeys(candidates) if arm not in base_arms]


def champion_slot(use_case: UseCase) -> str | None:
    """
    Return the arm that a candidate would replace: the champion arm if there is one, else the first base arm.

    A base arm with an optimized prompt is returned only if all base arms have one.
    """
    replaceable = [arm for arm in use_case.arms if arm.kind in ("champion", "base")]
    return next(
        (arm.name for arm in sorted(replaceable, key=lambda arm: (arm.kind != "champion", arm.has_optimized_prompt))),
        None,
    )
