from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.champion_parts import ChampionEndpoint
from include.distill.report.markdown import as_text
from include.distill.report.rollback_question import rollback_question, rollback_subject

ENDPOINT = ChampionEndpoint(
    kind="on_demand",
    name="n",
    arn="arn:aws:bedrock:us-east-1:1:custom-model-deployment/a",
    region="us-east-1",
    created="t",
)
RULE = Promotion(answer_within_hours=7)


def champion(name: str, **changes: Any) -> Champion:
    values: dict[str, Any] = {
        "use_case": "docs",
        "model_arn": f"arn:{name}",
        "student": "nova-micro",
        "arm": "tuned",
        "run_key": f"run-{name}",
        "dag_id": "d",
        "run_id": "r",
        "verdict": f"{name} is better",
        "promoted_at": "2026-11-20T02:00:00+00:00",
        "simulated": False,
        "report_uri": f"s3://b/{name}/report.json",
    }
    return Champion(**{**values, **changes})


NEW, OLD = champion("new", endpoint=ENDPOINT), champion("old")


def choice(target: Champion = OLD, price: Any = None) -> Any:
    return {
        "use_case": "docs",
        "to": "previous",
        "target": target.alone().model_dump(mode="json"),
        "replaces": "arn:new",
        "price": price,
    }


def test_the_question_shows_both_models_with_their_evidence() -> None:
    text = rollback_question(choice(), NEW, serve="on_demand", rule=RULE)
    for one in (NEW, OLD):
        for part in (one.model_arn, one.run_key, one.report_uri):
            assert f"`{part}`" in text
        assert one.verdict in text
    assert text.index("arn:new") < text.index("The model that would be the champion again:") < text.index("arn:old")
    assert f"Applications call `{ENDPOINT.arn}`. The ARN stays the same." in text
    assert "will not promote `arn:new` again" in text
    assert "within 7 hours, nothing changes" in text
    assert "per hour" not in text
    assert "SIMULATED" not in text


def test_a_repair_replaces_no_model() -> None:
    repair = choice(NEW)
    text = rollback_question(repair, NEW, serve="on_demand", rule=RULE)
    assert rollback_subject(repair) == "Put the champion of docs behind its endpoint again?"
    assert rollback_subject(choice()) == "Roll docs back to the champion of run run-old?"
    assert "The champion, which stays:" in text
    assert "will not promote" not in text
    assert text.count("`arn:new`") == 1


@pytest.mark.parametrize(
    ("serve", "expected"),
    [
        ("on_demand", "One is created: a deployment, which is billed by the token."),
        ("provisioned", "One is created: provisioned throughput."),
        (None, "only the record of the champion changes"),
    ],
)
def test_the_question_says_what_happens_without_an_endpoint(serve: Any, expected: str) -> None:
    assert expected in rollback_question(choice(), champion("new"), serve=serve, rule=RULE)


def test_a_price_per_hour_is_part_of_the_question() -> None:
    text = rollback_question(
        choice(price={"usd_per_hour": 60.5, "units": 1}), champion("new"), serve="provisioned", rule=RULE
    )
    assert r"\$60.50 per hour" in text
    assert "until a person deletes it" in " ".join(text.split())


def test_simulated_models_are_marked_and_texts_are_escaped() -> None:
    target = champion("old", simulated=True, verdict="**won** <b>")
    text = rollback_question(choice(target), NEW, serve="on_demand", rule=RULE)
    assert text.startswith("**SIMULATED")
    assert as_text("**won** <b>") in text
    assert "<b>" not in text
