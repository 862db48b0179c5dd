"""Test how the verdicts of judges and people are combined."""

from __future__ import annotations

from typing import Any

from include.distill.report.opinions import agreement_records, disagreement_rows, human_verdicts

LABEL = {"row_id": "r1", "candidate": "tuned", "baseline": "base", "labeller": "ann", "verdict": "tie"}


def test_labels_are_grouped_by_question_and_a_label_without_a_verdict_is_left_out() -> None:
    labels: Any = [
        LABEL,
        {**LABEL, "labeller": "bob", "verdict": "candidate"},
        {**LABEL, "row_id": "r2", "verdict": "?"},
    ]
    assert human_verdicts(labels) == {("tuned", "base", "r1"): {"ann": "tie", "bob": "candidate"}}


def test_people_are_listed_as_raters_after_the_judges() -> None:
    verdicts: Any = [{**LABEL, "judge": "haiku", "order": order} for order in ("candidate_first", "baseline_first")]
    (line,) = agreement_records(verdicts, {"r1": "d1"}, [LABEL])  # type: ignore[list-item]
    assert (line["first"], line["second"], line["n"], line["observed"]) == ("haiku", "ann (person)", 1, 1.0)


def test_a_disagreement_has_the_question_and_both_answers() -> None:
    def verdicts(judge: str, row_id: str, says: str) -> list[dict[str, str]]:
        pair = {"judge": judge, "candidate": "tuned", "baseline": "base", "row_id": row_id, "verdict": says}
        return [{**pair, "order": order} for order in ("candidate_first", "baseline_first")]

    rows = disagreement_rows(
        [
            *verdicts("x", "r1", "candidate"),
            *verdicts("y", "r1", "candidate"),
            *verdicts("x", "r2", "candidate"),
            *verdicts("y", "r2", "baseline"),
        ],
        {"tuned": {"r1": "t1", "r2": "t2"}, "base": {"r1": "b1", "r2": "b2"}},
        {"r1": "q1", "r2": "q2"},
    )
    assert rows == [
        {
            "row_id": "r2",
            "candidate": "tuned",
            "baseline": "base",
            "by_judge": {"x": "candidate", "y": "baseline"},
            "by_person": {},
            "question": "q2",
            "candidate_answer": "t2",
            "baseline_answer": "b2",
        }
    ]
