from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.naming import standing_endpoint_name, throughput_names
from include.distill.cost.serving_check import hourly_notes, serving_problems
from tests.distill.conftest import make_use_case
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock

BASE = {"name": "base", "kind": "base"}
WEST = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "us-west-2"}
LLAMA_8B = {"student": "llama-3-1-8b", "aws": WEST}
LLAMA_70B = {"student": "llama-3-3-70b", "aws": WEST}


@pytest.fixture
def bedrock() -> FakeBedrock:
    return FakeBedrock()


def problems(bedrock: Any, use_case: UseCase, champion: str | None = None) -> list[str]:
    return serving_problems(bedrock, use_case, RUN_KEY, champion=champion)


def put(bedrock: FakeBedrock, count: int) -> None:
    for number in range(count):
        bedrock.put_deployment(f"app-{number:02}", "Active")


class TestMode:
    @pytest.mark.parametrize(
        ("changes", "mode", "problem"),
        [
            ({}, "auto", None),
            ({}, "on_demand", None),
            ({}, "provisioned", None),
            (LLAMA_8B, "auto", None),
            (LLAMA_8B, "provisioned", None),
            (
                LLAMA_8B,
                "on_demand",
                "does not deploy models trained from llama-3-1-8b on demand. Set serving.mode to auto",
            ),
            (LLAMA_70B, "auto", None),
            (LLAMA_70B, "on_demand", None),
            (
                LLAMA_70B,
                "provisioned",
                "no provisioned throughput for models trained from llama-3-3-70b. Set serving.mode",
            ),
        ],
    )
    def test_an_impossible_mode_is_refused_and_the_alternative_is_named(
        self, bedrock: FakeBedrock, changes: Any, mode: str, problem: str | None
    ) -> None:
        found = problems(bedrock, make_use_case(**changes, serving={"mode": mode}))
        assert (problem in found[0]) if problem else (found == [])

    def test_a_problem_of_several_arms_is_reported_once(self, bedrock: FakeBedrock) -> None:
        arms = [BASE, {"name": "one"}, {"name": "two"}]
        assert len(problems(bedrock, make_use_case(**LLAMA_8B, arms=arms, serving={"mode": "on_demand"}))) == 1

    def test_the_student_of_the_champion_is_checked_too(self, bedrock: FakeBedrock) -> None:
        arms = [BASE, {"name": "tuned"}, {"name": "best", "kind": "champion"}]
        use_case = make_use_case(arms=arms, serving={"mode": "on_demand"})
        assert problems(bedrock, use_case) == []
        assert "llama-3-1-8b" in problems(bedrock, use_case, "llama-3-1-8b")[0]

    def test_nothing_is_served_if_all_arms_are_base_students(self, bedrock: FakeBedrock) -> None:
        arms = [BASE, {"name": "again", "kind": "base"}]
        pair = [{"candidate": "again", "baseline": "base"}]
        bedrock.refuse["list_deployments"] = RefusedError("not allowed")
        assert problems(bedrock, make_use_case(arms=arms, comparisons=pair)) == []


class TestDeploymentQuota:
    @pytest.mark.parametrize(("existing", "is_problem"), [(0, False), (9, False), (10, True), (12, True)])
    def test_the_deployments_of_the_account_are_counted_against_the_quota(
        self, bedrock: FakeBedrock, existing: int, is_problem: bool
    ) -> None:
        put(bedrock, existing)
        found = problems(bedrock, make_use_case())
        assert bool(found) is is_problem
        if is_problem:
            assert f"this account has {existing} custom model deployments in us-east-1 (app-00, app-01" in found[0]
            assert "needs 1 more, but serving.deployment_quota is 10; delete deployments that nobody calls" in found[0]
            assert "set serving.mode to provisioned" in found[0]

    def test_a_raised_quota_is_accepted(self, bedrock: FakeBedrock) -> None:
        put(bedrock, 19)
        assert problems(bedrock, make_use_case(serving={"deployment_quota": 20})) == []

    @pytest.mark.parametrize(("at_a_time", "needed"), [(1, 1), (2, 2), (3, 2)])
    def test_the_run_needs_as_many_deployments_as_arms_are_served_at_once(
        self, bedrock: FakeBedrock, at_a_time: int, needed: int
    ) -> None:
        arms = [BASE, {"name": "one"}, {"name": "two"}]
        use_case = make_use_case(arms=arms, serving={"arms_at_a_time": at_a_time})
        put(bedrock, 10 - needed)
        assert problems(bedrock, use_case) == []
        bedrock.put_deployment("one-more", "Active")
        assert f"needs {needed} more" in problems(bedrock, use_case)[0]

    def test_a_deployment_that_the_cleared_run_still_has_is_not_counted_twice(self, bedrock: FakeBedrock) -> None:
        use_case = make_use_case()
        put(bedrock, 9)
        names = throughput_names(use_case.environment, use_case.name, "tuned", RUN_KEY, 2)
        bedrock.put_deployment(names.name, "Active")
        assert problems(bedrock, use_case) == []

    def test_standing_endpoints_are_counted_and_named_apart(self, bedrock: FakeBedrock) -> None:
        use_case = make_use_case()
        put(bedrock, 8)
        for name in ("other", use_case.name):
            bedrock.put_deployment(standing_endpoint_name("test", name), "Active")
        others = [make_use_case(name="other"), make_use_case(name="without_endpoint")]
        (problem,) = serving_problems(bedrock, use_case, RUN_KEY, champion=None, use_cases=others)
        assert "this account has 10 custom model deployments" in problem
        assert "), of which applications call 2 as standing endpoints of champions, and the run needs 1" in problem

    @pytest.mark.parametrize(
        ("serving", "existing", "settings"),
        [
            pytest.param({"mode": "provisioned"}, 10, "set promotion.serve to none", id="only the standing endpoint"),
            pytest.param({}, 10, "set serving.mode to provisioned and promotion.serve to none", id="arms before it"),
            pytest.param({"mode": "provisioned"}, 9, None, id="room"),
            pytest.param({}, 9, None, id="room for one at a time"),
        ],
    )
    def test_the_first_promotion_needs_a_place_for_the_standing_endpoint(
        self, bedrock: FakeBedrock, serving: dict[str, str], existing: int, settings: str | None
    ) -> None:
        put(bedrock, existing)
        found = problems(bedrock, make_use_case(serving=serving, promotion={"serve": "on_demand"}))
        assert (settings in found[0]) if settings else (found == [])

    def test_a_later_promotion_needs_no_place(self, bedrock: FakeBedrock) -> None:
        use_case = make_use_case(serving={"mode": "provisioned"}, promotion={"serve": "on_demand"})
        put(bedrock, 12)
        bedrock.put_deployment(standing_endpoint_name(use_case.environment, use_case.name), "Active")
        assert problems(bedrock, use_case) == []

    @pytest.mark.parametrize("changes", [{"serving": {"mode": "provisioned"}}, LLAMA_8B])
    def test_deployments_are_not_counted_if_the_run_needs_none(self, bedrock: FakeBedrock, changes: Any) -> None:
        put(bedrock, 10)
        assert problems(bedrock, make_use_case(**changes)) == []

    def test_a_role_that_may_not_list_deployments_is_a_problem_and_not_an_error(self, bedrock: FakeBedrock) -> None:
        bedrock.refuse["list_deployments"] = RefusedError("not allowed to call ListCustomModelDeployments")
        (problem,) = problems(bedrock, make_use_case())
        assert "cannot be listed: not allowed to call" in problem


class TestHourly:
    """The default quota of model units is 0, so a run that needs some would fail only after training."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"serving": {"mode": "provisioned"}}, "at $60.50 per hour, because serving.mode is provisioned"),
            (
                LLAMA_8B,
                "at $24.00 per hour, because Bedrock does not deploy models trained from llama-3-1-8b on demand",
            ),
        ],
    )
    def test_a_warning_says_what_is_bought_by_the_hour_and_that_its_quota_may_be_0(
        self, changes: Any, reason: str
    ) -> None:
        (note,) = hourly_notes(make_use_case(**changes), champion=None)
        assert reason in note
        assert "quota is 0 model units" in note

    def test_there_is_no_warning_if_all_models_can_be_deployed(self) -> None:
        assert hourly_notes(make_use_case(), champion="nova-pro") == []
