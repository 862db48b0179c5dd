from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import pytest

from bedrock_distill.hooks.deployments import Deployment
from bedrock_distill.lifecycle.endpoints import DEPLOYMENT, THROUGHPUT
from bedrock_distill.lifecycle.standing import (
    Switched,
    billed_while_standing,
    champion_endpoint,
    confirm,
    switch,
    switched_arn,
)
from include.distill.core.errors import (
    ChangeInProgressError,
    ConcurrencyLimitError,
    DeploymentsInProgressError,
    PromotionError,
    RefusedError,
    ServiceError,
    SwitchFailedError,
    TransientError,
)
from include.distill.evaluation.champion_parts import EndpointPrice
from include.distill.evaluation.endpoint_change import ChangeAim
from include.distill.evaluation.endpoint_records import SwitchManifest
from include.distill.evaluation.records import StandingKind
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_account import NEW, OLD, Run, StandingAccount

OTHER = "arn:model/other"
QUOTA = "ServiceQuotaExceededException"


@pytest.fixture
def run() -> Run:
    """Return a run whose model may become the first champion."""
    return first_run()


@pytest.fixture
def second() -> Run:
    """Return a run whose model may replace a champion with an endpoint."""
    return second_run()


def first_run(kind: StandingKind = "on_demand") -> Run:
    run = Run(StandingAccount(), MemoryStore(), "first", NEW, kind)
    run.preflight()
    return run


def second_run(kind: StandingKind = "on_demand") -> Run:
    first = Run(StandingAccount(), MemoryStore(), "first", OLD, kind)
    first.preflight()
    first.all_tasks()
    second = Run(first.bedrock, first.store, "second", NEW, kind)
    second.preflight()
    return second


def began(run: Run) -> Switched:
    """Take the lock and call ``switch``."""
    aim = ChangeAim("promotion", run.model_arn, None, run.kind, run.site.name)
    return switch(run.site, run.site.lock.take(run.holder, aim, is_live=run.is_live), is_live=run.is_live)


def calls(run: Run) -> tuple[list[str], list[str]]:
    return run.bedrock.bought, run.bedrock.updated


def change_endpoint(run: Run, **changes: Any) -> None:
    """Put the deployment into another state."""
    [(name, one)] = run.bedrock.deployments.items()
    run.bedrock.deployments[name] = dataclasses.replace(one, **changes)


class TestSwitch:
    @pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
    def test_the_first_promotion_creates_the_endpoint_with_the_tags_of_a_standing_endpoint(
        self, kind: StandingKind
    ) -> None:
        run = first_run(kind)
        switched = began(run)
        assert (switched.created, switched.endpoint.model_arn) == (True, NEW)
        assert calls(run) == ([run.site.name], [])
        tags = run.bedrock.tags(switched.endpoint.arn)
        assert (tags["role"], tags["use-case"], tags["run-id"]) == ("standing", "aws_docs_qa", "first")
        assert "expires-at" not in tags

    @pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
    def test_a_later_promotion_updates_it_and_the_arn_stays_the_same(self, kind: StandingKind) -> None:
        run = second_run(kind)
        switched = began(run)
        assert not switched.created
        assert calls(run) == ([run.site.name], [NEW])
        assert run.wait(run.switch()) == switched.endpoint.arn
        assert calls(run) == ([run.site.name], [NEW])

    @pytest.mark.parametrize("lost", ["create", "update"])
    def test_a_lost_response_is_not_sent_again(self, lost: str) -> None:
        run = first_run() if lost == "create" else second_run()
        run.bedrock.lose_next_answer = TransientError("the response was lost")
        began(run)
        assert run.wait(run.switch())
        assert len(run.bedrock.bought) + len(run.bedrock.updated) == (1 if lost == "create" else 2)

    def test_a_repeated_update_that_bedrock_refuses_because_it_is_going_on_is_not_an_error(self) -> None:
        run = second_run("provisioned")
        run.bedrock.lose_next_answer = RefusedError("The provisioned throughput is Updating.")
        began(run)
        assert run.wait(run.switch())
        assert run.bedrock.updated == [NEW]

    @pytest.mark.parametrize("error", [TransientError("500"), RefusedError("no access")])
    def test_a_refused_update_is_an_error_and_the_old_model_stays(self, second: Run, error: ServiceError) -> None:
        second.bedrock.refuse["update_deployment"] = error
        with pytest.raises(type(error)):
            began(second)
        assert DEPLOYMENT.served(second.site.find(DEPLOYMENT)).model_arn == OLD  # type: ignore[arg-type]

    def test_an_endpoint_that_already_answers_with_the_model_is_not_changed(self, run: Run) -> None:
        run.all_tasks()
        before = [list(made) for made in calls(run)]
        assert not began(run).created
        assert [list(made) for made in calls(run)] == before

    def test_while_another_model_is_put_behind_the_endpoint_the_task_waits(self, second: Run) -> None:
        change_endpoint(second, update_status="Updating", update_model_arn=OTHER)
        with pytest.raises(ChangeInProgressError, match=f"is being changed to {OTHER}"):
            began(second)
        second.bedrock.pass_time()
        began(second)
        assert second.bedrock.updated == [NEW]

    def test_a_failed_creation_is_deleted_and_repeated_with_another_token(self, run: Run) -> None:
        first = began(run)
        run.bedrock.end_change(fails=True)
        again = began(run)
        assert (again.created, again.change["number"]) == (True, first.change["number"] + 1)
        assert again.endpoint.arn != first.endpoint.arn
        assert run.wait(run.switch()) == again.endpoint.arn

    def test_a_recorded_endpoint_that_failed_is_never_deleted(self, second: Run) -> None:
        change_endpoint(second, status="Failed", failure_message="no capacity")
        with pytest.raises(SwitchFailedError, match="has failed: no capacity") as raised:
            began(second)
        assert "delete-custom-model-deployment" in raised.value.to_do
        assert second.site.find(DEPLOYMENT) is not None

    def test_a_failed_update_is_repeated(self, second: Run) -> None:
        began(second)
        second.bedrock.end_change(fails=True)
        began(second)
        assert second.bedrock.updated == [NEW, NEW]

    @pytest.mark.parametrize("prepare", [first_run, second_run])
    def test_a_task_that_lost_the_lock_calls_nothing(self, prepare: Callable[[], Run]) -> None:
        run = prepare()
        aim = ChangeAim("promotion", NEW, None, "on_demand", run.site.name)
        change = run.site.lock.take(run.holder, aim, is_live=run.is_live)
        other = Run(run.bedrock, run.store, "other")
        other.site.lock.take(other.holder, aim, is_live=run.is_live)
        before = [list(made) for made in calls(run)]
        with pytest.raises(ChangeInProgressError, match="Another task has taken over"):
            switch(run.site, change, is_live=run.is_live)
        assert [list(made) for made in calls(run)] == before

    @pytest.mark.parametrize("key", ["project", "environment", "use-case", "role"])
    def test_an_endpoint_with_other_tags_is_never_used(self, second: Run, key: str) -> None:
        [one] = second.bedrock.deployments.values()
        second.bedrock.tags_of[one.arn][key] = "other"
        with pytest.raises(RefusedError, match=f"its tag {key} is other") as raised:
            began(second)
        assert "DISTILL_ENVIRONMENT" in raised.value.to_do
        assert second.bedrock.updated == []

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(RefusedError("full"), RefusedError), (ConcurrencyLimitError("2 in progress"), DeploymentsInProgressError)],
    )
    def test_a_full_account_is_refused_and_the_champion_is_unchanged(
        self, run: Run, error: Any, kind: type[Exception]
    ) -> None:
        error.code = QUOTA
        run.bedrock.refuse["create_deployment"] = error
        with pytest.raises(kind, match="Bedrock refused to create deployment") as raised:
            began(run)
        assert "The champion is unchanged" in str(raised.value)

    def test_another_refusal_is_passed_on(self, run: Run) -> None:
        run.bedrock.refuse["create_deployment"] = RefusedError("the model is too old")
        with pytest.raises(RefusedError, match=r"^the model is too old$"):
            began(run)

    def test_an_endpoint_that_is_being_deleted_does_not_exist(self, second: Run) -> None:
        change_endpoint(second, status="Deleting")
        assert second.site.find(DEPLOYMENT) is None


class TestSwitchedArn:
    def test_it_is_none_until_the_endpoint_answers_with_the_model(self, second: Run) -> None:
        manifest = second.switch()
        assert switched_arn(second.site, manifest) is None
        second.bedrock.pass_time()
        assert switched_arn(second.site, manifest) == manifest["arn"]

    def test_an_accepted_update_that_bedrock_does_not_show_yet_is_waited_for(self, second: Run) -> None:
        manifest = second.switch()
        change_endpoint(second, update_status=None, update_model_arn=None)
        assert switched_arn(second.site, manifest) is None
        second.settle()
        with pytest.raises(SwitchFailedError, match="Another task has taken over"):
            switched_arn(second.site, {**manifest, "number": manifest["number"] - 1})

    def test_a_failed_creation_is_final(self, run: Run) -> None:
        manifest = run.switch()
        change_endpoint(run, status="Failed", failure_message="no capacity")
        with pytest.raises(SwitchFailedError, match=r"could not create .* for arn:model/new: no capacity") as raised:
            switched_arn(run.site, manifest)
        assert raised.value.then_clear == "switch with downstream"

    @pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
    def test_a_failed_update_is_final_and_the_old_model_answers(self, kind: StandingKind) -> None:
        run = second_run(kind)
        manifest = run.switch()
        run.bedrock.end_change(fails=True)
        with pytest.raises(SwitchFailedError, match=f"could not put {NEW} behind") as raised:
            switched_arn(run.site, manifest)
        assert raised.value.left.startswith(f"It still answers with {OLD}.")

    def test_an_endpoint_that_is_gone_is_final(self, run: Run) -> None:
        manifest = run.switch()
        run.bedrock.deployments.clear()
        with pytest.raises(SwitchFailedError, match="does not exist any more"):
            switched_arn(run.site, manifest)


class TestConfirm:
    @pytest.fixture
    def manifest(self, second: Run) -> SwitchManifest:
        manifest = second.switch()
        second.wait(manifest)
        return manifest

    def test_an_endpoint_that_answers_with_the_model_is_confirmed(self, second: Run, manifest: SwitchManifest) -> None:
        assert confirm(second.site, manifest, second.holder).arn == manifest["arn"]

    @pytest.mark.parametrize(
        ("spoil", "problem"),
        [
            (lambda run: run.bedrock.deployments.clear(), "does not exist any more"),
            (lambda run: change_endpoint(run, model_arn=OTHER), f"answers with {OTHER}, not with {NEW}"),
            (lambda run: run.bedrock.update_deployment(run.site.name, OTHER), "answers with"),
            (lambda run: run.settle(), f"answers with {OLD}"),
        ],
    )
    def test_an_endpoint_that_has_changed_is_not_promoted(
        self, second: Run, manifest: SwitchManifest, spoil: Any, problem: str
    ) -> None:
        spoil(second)
        with pytest.raises(PromotionError, match=problem) as raised:
            confirm(second.site, manifest, second.holder)
        assert raised.value.then_clear == "switch with downstream"

    def test_an_endpoint_that_was_created_again_is_not_promoted(self, second: Run, manifest: SwitchManifest) -> None:
        with pytest.raises(PromotionError, match="was created again"):
            confirm(second.site, {**manifest, "arn": "arn:deployment/earlier"}, second.holder)

    def test_without_the_lock_nothing_is_promoted(self, second: Run, manifest: SwitchManifest) -> None:
        other = Run(second.bedrock, second.store, "other")
        with pytest.raises(PromotionError, match="taken over"):
            confirm(second.site, manifest, other.holder)
        with pytest.raises(PromotionError, match="taken over"):
            confirm(second.site, {**manifest, "number": manifest["number"] + 1}, second.holder)


def test_the_record_describes_a_deployment_without_and_throughput_with_units_and_price() -> None:
    price = EndpointPrice(usd_per_hour=60.5, by="ada", at="2026-11-27")
    for kind, run, units in ((DEPLOYMENT, first_run(), None), (THROUGHPUT, first_run("provisioned"), 1)):
        endpoint = began(run).endpoint
        recorded = champion_endpoint(run.site, kind, endpoint, price=price if units else None)
        assert (recorded.kind, recorded.arn, recorded.region) == (run.kind, endpoint.arn, "us-east-1")
        assert (recorded.units, recorded.approved_price) == (units, price if units else None)
        assert recorded.created == cast(Deployment, endpoint).created.isoformat()


def test_throughput_is_billed_until_a_person_deletes_it_and_a_deployment_only_by_the_token() -> None:
    assert billed_while_standing(DEPLOYMENT, "n").startswith("Nothing while it is idle")
    assert billed_while_standing(THROUGHPUT, "n", ", at $60.50 per hour").endswith("deletes it, at $60.50 per hour.")
