"""Preflight says before any spending if the standing endpoint does not fit the use case or its champion."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bedrock_distill.operators.standing_check import standing_problems, standing_warnings
from include.distill.core.errors import RefusedError
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.champion_parts import ChampionEndpoint, WithdrawnModel
from tests.distill.conftest import make_use_case
from tests.fakes.fake_bedrock import FakeBedrock
from tests.plugins.lifecycle.test_standing_removal import CHAMPION

ENDPOINT = ChampionEndpoint(
    kind="on_demand", name="standing", arn="arn:deployment/standing", region="us-east-1", created="2026-11-20"
)
SERVED = CHAMPION.model_copy(update={"endpoint": ENDPOINT})
BASE, TUNED = {"name": "base", "kind": "base"}, {"name": "tuned"}
PROMPTED = {"name": "prompted", "kind": "base", "prompt": "optimized"}
ON_DEMAND = {"promotion": {"serve": "on_demand"}}


def with_endpoint(**changes: Any) -> Champion:
    return SERVED.model_copy(update={"endpoint": ENDPOINT.model_copy(update=changes)})


class TestProblems:
    @pytest.mark.parametrize(
        ("use_case", "champion", "problem"),
        [
            pytest.param(ON_DEMAND, SERVED, None, id="it fits"),
            pytest.param(ON_DEMAND, None, None, id="no champion"),
            pytest.param(ON_DEMAND, SERVED.model_copy(update={"endpoint": None}), None, id="no endpoint"),
            pytest.param(
                {**ON_DEMAND, "student": "nova-lite"},
                SERVED,
                "serves models trained from nova-micro, but student is nova-lite; set student to nova-micro, or delete",
                id="another base model",
            ),
            pytest.param(
                {"promotion": {"serve": "provisioned"}},
                SERVED,
                "serves with the kind on_demand, but promotion.serve is provisioned; set promotion.serve to on_demand",
                id="another kind",
            ),
            pytest.param(
                ON_DEMAND, with_endpoint(region="us-west-2"), "in Region us-west-2, but aws.region is us-east-1", id="R"
            ),
            pytest.param({"student": "nova-lite"}, SERVED, None, id="no promotion changes it"),
        ],
    )
    def test_an_endpoint_that_no_promotion_can_change_is_a_problem(
        self, use_case: Any, champion: Champion | None, problem: str | None
    ) -> None:
        found = standing_problems(make_use_case(**use_case), champion)
        assert (problem in found[0]) if problem else (found == [])
        assert not problem or "distill_clean_up and 'Standing endpoints' (delete_standing_endpoints)" in found[0]


class TestWarnings:
    def warnings(self, bedrock: FakeBedrock, champion: Champion | None = SERVED, **changes: Any) -> list[str]:
        return standing_warnings(bedrock, make_use_case(**{**ON_DEMAND, **changes}), champion)  # type: ignore[arg-type]

    def test_there_is_none_while_the_endpoint_answers_with_the_champion(self, bedrock: FakeBedrock) -> None:
        bedrock.put_deployment("standing", "Active", model_arn=SERVED.model_arn)
        assert self.warnings(bedrock) == []
        bedrock.deployments["standing"] = dataclasses.replace(
            bedrock.deployments["standing"],
            model_arn="arn:old",
            update_status="Updating",
            update_model_arn=SERVED.model_arn,
        )
        assert self.warnings(bedrock) == [], "the update to the champion is in progress"

    @pytest.mark.parametrize(
        ("status", "model", "warning"),
        [
            (
                None,
                "",
                "does not exist, so all calls to it fail. To repair this, trigger distill_rollback with to: cur",
            ),
            ("Failed", SERVED.model_arn, "failed, so all calls to it fail"),
            ("Active", "arn:other", f"answers with arn:other, but the champion is {SERVED.model_arn}. To repair this"),
            ("Strange", SERVED.model_arn, "could not be checked"),
        ],
    )
    def test_an_endpoint_that_does_not_answer_with_the_champion_is_named(
        self, bedrock: FakeBedrock, status: str | None, model: str, warning: str
    ) -> None:
        if status:
            bedrock.put_deployment("standing", status, model_arn=model)
        (found,) = self.warnings(bedrock)
        assert warning in found
        assert ENDPOINT.arn in found

    def test_missing_access_is_a_warning(self, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: str) -> Any:
            raise RefusedError("not allowed to call GetCustomModelDeployment")

        monkeypatch.setattr(bedrock, "find_deployment", refuse)
        (found,) = self.warnings(bedrock)
        assert "could not be checked: not allowed" in found

    def test_an_endpoint_that_no_promotion_changes_any_more_is_named(self, bedrock: FakeBedrock) -> None:
        bedrock.put_deployment("standing", "Active", model_arn=SERVED.model_arn)
        (found,) = self.warnings(bedrock, promotion={"serve": "none"})
        assert "goes on answering with arn:m. Set promotion.serve to on_demand, or delete the endpoint" in found

    def test_the_hourly_price_is_stated_before_the_first_promotion_only(self, bedrock: FakeBedrock) -> None:
        provisioned = {"promotion": {"serve": "provisioned"}}
        (found,) = self.warnings(bedrock, None, **provisioned)
        assert "costs $60.50 per hour" in found
        bedrock.put_throughput("standing", "InService", model_arn=SERVED.model_arn)
        champion = with_endpoint(kind="provisioned", arn="arn:throughput/standing", units=1)
        assert self.warnings(bedrock, champion, **provisioned) == []

    @pytest.mark.parametrize(
        ("changes", "champion", "text"),
        [
            (
                {},
                None,
                "with base as baseline, so no run can promote a model. Add such a comparison to tiny.yaml, or set",
            ),
            ({}, SERVED, "with base as baseline, so no run can promote a model. Add such a comparison to tiny.yaml."),
            (
                {"arms": [BASE, PROMPTED, TUNED, {"name": "best", "kind": "champion"}]},
                None,
                "with best as baseline, so",
            ),
        ],
    )
    def test_a_use_case_that_can_promote_no_model_is_warned_about(
        self, bedrock: FakeBedrock, changes: Any, champion: Champion | None, text: str
    ) -> None:
        bedrock.put_deployment("standing", "Active", model_arn=SERVED.model_arn)
        pairs = [{"candidate": "prompted", "baseline": "base"}, {"candidate": "tuned", "baseline": "prompted"}]
        changes = {"arms": [BASE, PROMPTED, TUNED], "comparisons": pairs, **changes}
        (found,) = self.warnings(bedrock, champion, **changes)
        assert found.startswith("promotion.serve is on_demand, but no comparison has a trained arm as candidate ")
        assert text in found
        assert found.endswith("set promotion.serve: none.") is (champion is None)
        assert "can promote" not in "".join(self.warnings(bedrock, champion, **changes, promotion={"serve": "none"}))
        with_candidate = [*pairs, {"candidate": "tuned", "baseline": "best" if len(changes["arms"]) > 3 else "base"}]
        assert self.warnings(bedrock, champion, **{**changes, "comparisons": with_candidate}) == []

    def test_models_that_people_rolled_back_from_are_named(self, bedrock: FakeBedrock) -> None:
        bedrock.put_deployment("standing", "Active", model_arn=SERVED.model_arn)
        bad = [WithdrawnModel(model_arn=f"arn:bad-{n}", at="2026-11-26", by="Ada", run_key="r") for n in range(5)]
        found = self.warnings(bedrock, SERVED.model_copy(update={"withdrawn": tuple(bad)}))
        assert found[0].startswith("Model arn:bad-0 was rolled back by Ada on 2026-11-26")
        assert found[3:] == ["Number of further models that were rolled back: 2."]
