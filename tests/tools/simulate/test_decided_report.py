"""The report of the promotion cases convinces today's rule, which checks the stored figures again."""

from __future__ import annotations

import pytest

from include.distill.evaluation.champion import winning_decision
from include.distill.evaluation.standing_promotion import standing_promotion
from tests.distill.conftest import make_use_case
from tools.simulate.decided_report import answer, report

ROW = {"row_id": "row0", "question": "How many?", "answer": "Five."}


BASE = {"name": "base", "kind": "base"}
ARMS = [BASE, {"name": "best", "kind": "champion"}, {"name": "tuned"}]


@pytest.mark.parametrize("arms", [[BASE, {"name": "tuned"}], ARMS])
@pytest.mark.parametrize("wins", [True, False])
def test_the_rule_promotes_the_arm_only_if_it_wins(wins: bool, arms: list[dict[str, str]]) -> None:
    use_case = make_use_case(arms=arms)
    written = report(use_case, [answer(ROW)], wins=wins)  # type: ignore[arg-type]
    checked = standing_promotion(
        written["promotion"], written["comparisons"], written["answer_endings"], use_case=use_case
    )
    decision = winning_decision(checked)
    assert (decision["candidate"] if decision else None) == ("tuned" if wins else None)
