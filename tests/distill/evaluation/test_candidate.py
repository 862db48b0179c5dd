from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.evaluation.candidate import Evidence, missing_model, new_champion, promotion_obstacle
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.champion_parts import WithdrawnModel
from tests.distill.conftest import make_use_case
from tests.distill.evaluation.test_champion import winner

ARMS = [{"name": "base", "kind": "base"}, {"name": "tuned"}]
WITH_CHAMPION = [*ARMS, {"name": "best", "kind": "champion"}]
WITHDRAWN = WithdrawnModel(model_arn="arn:new", at="2026-11-27T01:00:00", by="ada", run_key="back")


def obstacle(arms: Any = WITH_CHAMPION, **changes: Any) -> str | None:
    compared: Champion | None = winner("old")
    stated: dict[str, Any] = {"unapproved": None, "compared": compared, "current": compared, **changes}
    return promotion_obstacle(winner("new"), make_use_case(arms=arms), **stated)


def test_the_new_champion_has_the_reports_verdict_and_the_reasons_of_the_decision() -> None:
    evidence = Evidence("distill_docs", "night", "key", "tuned is better", False, "s3://b/report.json")
    decision: Any = {"candidate": "tuned", "reasons": ["60 of 70 decided", "41 groups"]}
    use_case = make_use_case()
    made = new_champion(decision, evidence, use_case=use_case, model_arn="arn:m", approved_by="ada")
    assert made.verdict == "tuned is better 60 of 70 decided; 41 groups"
    assert (made.model_arn, made.arm, made.run_key, made.approved_by) == ("arn:m", "tuned", "key", "ada")
    assert (made.use_case, made.student, made.simulated) == (use_case.name, use_case.student, False)
    assert datetime.datetime.fromisoformat(made.promoted_at).tzinfo is datetime.UTC


def test_a_winner_that_was_compared_with_the_champion_has_no_obstacle() -> None:
    assert obstacle() is None
    assert obstacle(ARMS, compared=None, current=None) is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"unapproved": "the recorded choice is ['Reject']"}, "no person approved tuned: the recorded choice is"),
        ({"compared": winner("new")}, "the model of tuned is already the champion."),
        ({"arms": ARMS}, "was not compared with the current champion, arn:old."),
        (
            {"current": winner("old", withdrawn=(WITHDRAWN,))},
            "arn:new was rolled back by ada on 2026-11-27, so the rule does not promote it again.",
        ),
    ],
)
def test_an_obstacle_is_named(changes: Any, text: str) -> None:
    assert text in str(obstacle(**changes))


def test_a_withdrawn_model_is_an_obstacle_also_for_a_run_without_a_champion_arm() -> None:
    assert "rolled back" in str(obstacle(ARMS, compared=None, current=winner("old", withdrawn=(WITHDRAWN,))))


def test_the_error_about_a_missing_model_says_how_to_train_it_again() -> None:
    error = missing_model("tuned", "arn:m")
    assert "its model arn:m no longer exists" in error.happened
    assert "clear preflight with downstream" in error.to_do
