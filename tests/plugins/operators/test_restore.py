from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, PromotionError, SmokeFailedError, SwitchFailedError
from include.distill.core.storage import read_json
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.rollback_run import (
    ARN,
    CHAMPION,
    CHANGE,
    ENDPOINT,
    KEY,
    NAME,
    SMOKE,
    RollbackRun,
    champion,
    put_endpoint,
    record,
    write_use_case,
)
from tests.plugins.conftest import FOLDER
from tests.plugins.operators.conftest import ROWS

NEW, OLD, OLDER = champion("new"), champion("old"), champion("older")


def served(bedrock: FakeBedrock) -> str | None:
    return bedrock.deployments[NAME].model_arn if NAME in bedrock.deployments else None


class TestRollback:
    def test_the_earlier_champion_answers_behind_the_same_arn_and_is_recorded(
        self, run: RollbackRun, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        assert (served(bedrock), list(bedrock.deployments)) == ("arn:model/old", [NAME])
        assert (run.champion.model_arn, run.champion.run_key) == ("arn:model/old", "run-old")
        assert [one.model_arn for one in run.champion.earlier] == ["arn:model/new", "arn:model/older"]
        assert [(one.model_arn, one.by) for one in run.champion.withdrawn] == [("arn:model/new", "ada")]
        assert run.champion.endpoint == ENDPOINT.model_copy(update={"created": run.champion.endpoint.created})  # type: ignore[union-attr]
        assert run.results["settle"]["action"] == "none"
        assert read_json(store, CHANGE, dict[str, Any])["state"] == "settled"
        assert run.results["restore"] == {
            "champion_uri": CHAMPION,
            "model_arn": "arn:model/old",
            "arm": "tuned",
            "previous_model_arn": "arn:model/new",
            "simulated": True,
            "endpoint_arn": ARN,
            "endpoint_kind": "on_demand",
        }

    def test_the_asset_of_the_use_case_gets_an_event(self, run: RollbackRun) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        ((name, extra),) = run.events
        assert name == "distill_champion_aws_docs_qa"
        assert (extra["model_arn"], extra["restored"], extra["endpoint_arn"]) == ("arn:model/old", True, ARN)

    def test_a_run_that_is_cleared_after_it_succeeded_changes_nothing(
        self, run: RollbackRun, bedrock: FakeBedrock
    ) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        before = run.champion
        run.do("choose")
        assert run.task("approve_rollback").question is not None
        run.do("approve_rollback")
        assert run.results["approve_rollback"] is None  # nobody is asked again
        run.finish()
        assert (run.champion.model_arn, run.champion.earlier, run.champion.changed_by) == (
            before.model_arn,
            before.earlier,
            before.changed_by,
        )
        assert served(bedrock) == "arn:model/old"

    def test_a_second_rollback_goes_forward_again(self, run: RollbackRun, context: Any, bedrock: FakeBedrock) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        context["ti"].run_id = context["dag_run"].run_id = "second"
        again = RollbackRun(run.store, bedrock, context)
        again.do("choose")
        again.approve()
        again.finish()
        assert (again.champion.model_arn, served(bedrock)) == ("arn:model/new", "arn:model/new")
        assert [one.model_arn for one in again.champion.withdrawn] == ["arn:model/old"]

    def test_current_puts_the_recorded_champion_behind_its_endpoint(
        self, run: RollbackRun, bedrock: FakeBedrock
    ) -> None:
        put_endpoint(bedrock, "arn:model/older")
        run.context["params"]["to"] = "current"
        run.do("choose")
        run.approve()
        run.finish()
        assert (served(bedrock), run.champion.model_arn) == ("arn:model/new", "arn:model/new")
        assert run.champion.withdrawn == ()

    def test_current_creates_the_endpoint_of_a_champion_that_has_none(
        self, run: RollbackRun, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.deployments.clear()
        record(store, NEW, OLD, endpoint=None)
        run.context["params"]["to"] = "current"
        run.do("choose")
        run.approve()
        run.finish()
        assert served(bedrock) == "arn:model/new"
        assert bedrock.tags_of[ARN]["role"] == "standing"
        assert run.champion.endpoint is not None
        assert run.champion.endpoint.arn == ARN


class TestWithoutAnEndpoint:
    @pytest.fixture
    def run(self, run: RollbackRun, use_case: UseCase, tmp_path: Path, bedrock: FakeBedrock) -> RollbackRun:
        write_use_case(tmp_path, use_case, serve="none")
        record(run.store, NEW, OLD, endpoint=None)
        bedrock.deployments.clear()
        return run

    def test_only_the_record_changes(self, run: RollbackRun, bedrock: FakeBedrock) -> None:
        run.do("choose")
        run.approve()
        run.do("switch", "switched", "smoke", "restore", "settle")
        assert (run.champion.model_arn, bedrock.deployments) == ("arn:model/old", {})
        assert "endpoint_arn" not in run.results["restore"]
        assert run.results["settle"]["action"] == "none"
        assert [extra.get("endpoint_arn") for _, extra in run.events] == [None]

    def test_an_approval_is_needed_all_the_same(self, run: RollbackRun) -> None:
        run.do("choose")
        with pytest.raises(AirflowSkipException, match="no answer from a person"):
            run.do("switch")
        run.results |= {"switch": {}, "switched": {}, "smoke": {}}
        with pytest.raises(AirflowSkipException, match="no answer from a person"):
            run.do("restore")
        assert run.champion.model_arn == "arn:model/new"


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"chosen_options": ["Reject"]}, "Reject"),
            ({"responded_by_user": None}, "does not name the user"),
            ({"asked": "other"}, "ada approved another choice"),
        ],
    )
    def test_an_answer_that_approves_something_else_changes_nothing(
        self, run: RollbackRun, bedrock: FakeBedrock, change: Any, reason: str
    ) -> None:
        run.do("choose")
        run.approve()
        run.results["approve_rollback"] |= change
        for name in ("switch", "restore"):
            with pytest.raises(AirflowSkipException, match=reason):
                run.do(name)
        assert (served(bedrock), run.champion.model_arn) == ("arn:model/new", "arn:model/new")

    def test_a_promotion_after_the_choice_stops_the_rollback(self, run: RollbackRun, bedrock: FakeBedrock) -> None:
        run.do("choose")
        run.approve()
        record(run.store, champion("newest"), NEW, OLD, endpoint=ENDPOINT)
        with pytest.raises(PromotionError, match="has changed since this rollback was chosen"):
            run.do("switch")
        assert served(bedrock) == "arn:model/new"

    def test_a_bad_answer_keeps_the_champion_and_settle_puts_it_back(
        self, run: RollbackRun, bedrock: FakeBedrock
    ) -> None:
        run.do("choose")
        run.approve()
        run.do("switch")
        bedrock.end_change()
        run.do("switched")
        bedrock.say = lambda request: " "
        with pytest.raises(SmokeFailedError):
            run.do("smoke")
        assert served(bedrock) == "arn:model/old"
        settle = run.task("settle")
        update = bedrock.update_deployment

        def at_once(name: str, model_arn: str) -> None:
            update(name, model_arn)
            bedrock.end_change()

        bedrock.update_deployment = at_once  # type: ignore[method-assign]
        assert settle.execute(run.context)["action"] == "restored"
        assert (served(bedrock), run.champion.model_arn) == ("arn:model/new", "arn:model/new")

    def test_an_update_that_fails_is_an_error_and_the_champion_stays(
        self, run: RollbackRun, bedrock: FakeBedrock
    ) -> None:
        run.do("choose")
        run.approve()
        run.do("switch")
        bedrock.end_change(fails=True)
        with pytest.raises(SwitchFailedError):
            run.do("switched")
        assert run.do("settle")["action"] == "none"
        assert (served(bedrock), run.champion.model_arn) == ("arn:model/new", "arn:model/new")

    @pytest.mark.parametrize("smoked", [None, {}, {"model_arn": "arn:model/old", "number": 99, "arn": ARN}])
    def test_smoke_that_was_marked_as_successful_restores_nothing(self, run: RollbackRun, smoked: Any) -> None:
        run.do("choose")
        run.approve()
        run.do("switch")
        run.bedrock.end_change()
        run.do("switched")
        run.results["smoke"] = smoked
        with pytest.raises(PromotionError, match="has not answered the smoke prompts"):
            run.do("restore")
        assert run.champion.model_arn == "arn:model/new"


class TestSmokePrompts:
    def test_a_champion_without_stored_prompts_is_tried_with_rows_of_its_run(
        self, run: RollbackRun, store: MemoryStore
    ) -> None:
        store.objects.pop(SMOKE)
        record(store, NEW, champion("old", run_key=FOLDER.run_key), endpoint=ENDPOINT)
        run.do("choose")
        run.approve()
        run.do("switch")
        prompts = read_json(store, SMOKE, dict[str, Any])["prompts"]
        assert {prompt["row_id"] for prompt in prompts} == {row["row_id"] for row in ROWS}
        assert all("<question>" in prompt["user"] and prompt["system"] for prompt in prompts)

    def test_a_deleted_run_is_an_error_before_any_change(self, run: RollbackRun, bedrock: FakeBedrock) -> None:
        run.store.objects.pop(SMOKE)
        run.do("choose")
        run.approve()
        with pytest.raises(PromotionError, match="There are no smoke prompts"):
            run.do("switch")
        assert served(bedrock) == "arn:model/new"


class TestOutcome:
    def decide(self, run: RollbackRun, states: dict[str, str]) -> None:
        run.context["ti"].get_task_states = lambda dag_id, run_ids: {"r": states}
        task = run.task("outcome")
        task.__dict__["_dag"] = SimpleNamespace(task_dict={})
        task.execute(run.context)

    def test_a_recorded_rollback_is_a_success(self, run: RollbackRun) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        self.decide(run, {"restore": "success", "settle": "success"})

    def test_a_rejection_fails_the_run_and_names_the_person(self, run: RollbackRun) -> None:
        run.do("choose")
        run.approve(option="Reject")
        with pytest.raises(IncompleteRunError, match="ada rejected it"):
            self.decide(run, {"approve_rollback": "success", "restore": "skipped", "settle": "success"})

    def test_no_answer_fails_the_run(self, run: RollbackRun) -> None:
        run.do("choose")
        run.approve(user=None, option="Reject")
        with pytest.raises(IncompleteRunError, match="Nobody answered in time"):
            self.decide(run, {"approve_rollback": "success", "restore": "skipped", "settle": "success"})

    def test_a_failed_task_is_named(self, run: RollbackRun) -> None:
        run.do("choose")
        with pytest.raises(IncompleteRunError, match="Failed tasks: smoke") as caught:
            self.decide(run, {"smoke": "failed", "restore": "upstream_failed", "settle": "success"})
        assert caught.value.left == "The champion of aws_docs_qa is arn:model/new."
        assert caught.value.to_do == "Clear switch with downstream."

    def test_a_settle_that_failed_after_the_record_fails_the_run(self, run: RollbackRun) -> None:
        run.do("choose")
        run.approve()
        run.finish()
        with pytest.raises(IncompleteRunError, match="Failed tasks: settle"):
            self.decide(run, {"restore": "success", "settle": "failed"})


def test_the_key_of_the_run_is_that_of_the_dag_run(run: RollbackRun) -> None:
    assert run.task("choose").change_key == KEY
