from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, PromotionError
from include.distill.core.storage import read_json
from tests.fakes.airflow_versions import WAITS_FOR_PERSON
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.rollback_run import CHAMPION, CHOICE, ENDPOINT, RollbackRun, champion, record, write_use_case
from tests.plugins.operators.conftest import set_task_instance

NEW, OLD = champion("new"), champion("old")


class TestChoose:
    def test_the_choice_is_stored_and_nothing_is_changed(
        self, run: RollbackRun, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        before = store.objects[CHAMPION]
        manifest = run.do("choose")
        assert manifest == {
            "use_case": "aws_docs_qa",
            "to": "previous",
            "model_arn": "arn:model/old",
            "replaces": "arn:model/new",
            "choice_uri": CHOICE,
        }
        choice = read_json(store, CHOICE, dict[str, Any])
        assert (choice["target"]["run_key"], choice["price"]) == ("run-old", None)
        assert not {"history", "endpoint", "withdrawn"} & choice["target"].keys()
        assert store.objects[CHAMPION] == before

    def test_a_cleared_task_keeps_the_choice(self, run: RollbackRun, store: MemoryStore) -> None:
        run.do("choose")
        before = store.objects[CHOICE]
        run.context["params"]["to"] = "current"
        assert run.do("choose")["model_arn"] == "arn:model/old"
        assert store.objects[CHOICE] == before

    def test_a_choice_that_another_copy_of_the_task_stored_first_wins(
        self, run: RollbackRun, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run.do("choose")
        stored = store.objects.pop(CHOICE)
        task = run.task("choose")
        run.context["params"]["to"] = "current"
        task.open_place(run.context)
        monkeypatch.setattr(task, "choice", lambda: store.objects.update({CHOICE: stored}))
        assert task.execute(run.context)["model_arn"] == "arn:model/old"

    def test_a_champion_that_changed_since_the_choice_is_an_error(self, run: RollbackRun, store: MemoryStore) -> None:
        run.do("choose")
        record(store, champion("newest"), NEW, OLD, endpoint=ENDPOINT)
        with pytest.raises(PromotionError, match="now it is arn:model/newest"):
            run.do("choose")

    def test_a_model_that_is_gone_is_an_error(self, run: RollbackRun, bedrock: FakeBedrock) -> None:
        bedrock.models.discard("arn:model/old")
        with pytest.raises(PromotionError, match="arn:model/old of run run-old no longer exists in Bedrock"):
            run.do("choose")

    def test_a_model_of_another_base_model_cannot_take_the_endpoint(self, run: RollbackRun, store: MemoryStore) -> None:
        record(store, NEW, champion("old", student="nova-lite"), endpoint=ENDPOINT)
        with pytest.raises(InputError, match="is trained from nova-lite, but the endpoint"):
            run.do("choose")
        assert CHOICE not in store.objects

    def test_an_endpoint_in_another_region_cannot_be_changed(self, run: RollbackRun, store: MemoryStore) -> None:
        record(store, NEW, OLD, endpoint=ENDPOINT.model_copy(update={"region": "us-west-2"}))
        with pytest.raises(InputError, match=r"is in us-west-2, but aws\.region of aws_docs_qa is us-east-1"):
            run.do("choose")

    def test_a_model_that_cannot_be_served_as_the_use_case_asks_is_refused(
        self, run: RollbackRun, store: MemoryStore
    ) -> None:
        record(store, NEW, champion("old", student="llama-3-1-8b"), endpoint=None)
        with pytest.raises(InputError, match="is on_demand, but"):
            run.do("choose")

    def test_the_price_of_an_endpoint_by_the_hour_is_part_of_the_choice(
        self, run: RollbackRun, store: MemoryStore, use_case: UseCase, tmp_path: Path, bedrock: FakeBedrock
    ) -> None:
        write_use_case(tmp_path, use_case, serve="provisioned")
        record(store, NEW, OLD, endpoint=None)
        run.do("choose")
        assert read_json(store, CHOICE, dict[str, Any])["price"] == {"usd_per_hour": 60.5, "units": 1}

    def test_a_wrong_form_says_how_to_trigger_again(self, run: RollbackRun) -> None:
        run.context["params"]["to"] = "nobody"
        with pytest.raises(InputError, match="What to do: Trigger distill_rollback again"):
            run.do("choose")


class TestApproval:
    def test_a_person_is_always_asked_with_the_hours_of_the_use_case(
        self, run: RollbackRun, sent: list[dict[str, Any]]
    ) -> None:
        run.do("choose")
        task = run.task("approve_rollback")
        set_task_instance(run.context)
        with pytest.raises(WAITS_FOR_PERSON):
            task.execute(run.context)
        assert task.response_timeout.total_seconds() == 20 * 3600
        assert sent[0]["subject"] == "Roll aws_docs_qa back to the champion of run run-old?"
        assert "arn:model/new" in sent[0]["body"]
        assert sent[0]["defaults"] == ["Reject"]

    def test_only_the_approvers_of_the_use_case_may_answer(
        self, run: RollbackRun, use_case: UseCase, tmp_path: Path
    ) -> None:
        approver = {"id": "7", "name": "grace"}
        write_use_case(tmp_path, use_case, serve="on_demand", ask_a_person=True, approvers=[approver])
        run.do("choose")
        task = run.task("approve_rollback")
        task.open_place(run.context)
        question = task.question(run.context)
        assert [one.model_dump() for one in question.approvers] == [approver]
        run.approve()  # as ada
        with pytest.raises(Exception, match="is not among the approvers"):
            run.do("switch")
