from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from bedrock_distill.operators.outcome import RunOutcomeOperator
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError
from include.distill.core.storage import read_json, write_json
from include.distill.cost.records import SpendingEstimate
from include.distill.cost.spending_approval import plan_spending
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request
from tests.fakes.decided_report import CLEAR, COMPLETE, JUDGES, comparison
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze


@pytest.fixture
def outcome(equip: Any, context: Any) -> Any:
    def run(*, dry_run: bool = False, **states: str) -> None:
        context["params"] = {"dry_run": dry_run}
        context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: (
            {run_ids[0]: states} if dag_id == "d" else {}
        )
        equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)

    return run


def test_a_run_whose_tasks_all_succeeded_is_a_success(outcome: Any) -> None:
    outcome(report="success", release="success", outcome="running")


def test_the_message_names_failed_tasks_and_counts_tasks_that_could_not_start(outcome: Any) -> None:
    states = {"tuned.release": "failed", "judge": "failed", "report": "upstream_failed", "ingest": "success"}
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: judge, tuned\.release\. .* could not start: 1\."):
        outcome(**states)


def test_one_task_that_could_not_start_fails_the_run(outcome: Any) -> None:
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: none\. .* could not start: 1\."):
        outcome(report="upstream_failed")


def test_a_run_that_was_marked_failed_between_two_tasks_has_only_skipped_tasks_and_fails(outcome: Any) -> None:
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: none\. .* could not start: 0\. .* skipped: 2\."):
        outcome(provision="success", release="success", answer="skipped", report="skipped")


def test_tasks_that_a_dry_run_skips_are_not_a_failure(outcome: Any) -> None:
    outcome(dry_run=True, preflight="success", estimate="success", synthesize="skipped", report="skipped")


@pytest.mark.parametrize("estimate", ["skipped", "removed", None])
def test_a_dry_run_that_was_marked_failed_before_the_estimate_fails(outcome: Any, estimate: str | None) -> None:
    """Airflow skips every task of a queued run that a person marks as failed, and then runs the last teardown."""
    with pytest.raises(
        IncompleteRunError,
        match=r"Probably a person marked the run as failed\.(?s:.*)Clear .*ingest, preflight.* with downstream",
    ):
        outcome(dry_run=True, preflight="skipped", ingest="skipped", estimate=estimate, report="skipped")


def test_a_dry_run_that_was_marked_failed_after_preflight_fails(outcome: Any) -> None:
    with pytest.raises(IncompleteRunError):
        outcome(dry_run=True, preflight="success", ingest="success", estimate="skipped", report="skipped")


class TestMarked:
    """A task that a person marked as failed, or that Airflow ended, has not said why it failed."""

    @pytest.fixture(autouse=True)
    def notes(self, context: Any) -> dict[str, Any]:
        notes: dict[str, Any] = {}
        context["ti"].xcom_pull = lambda task_ids, key="return_value", **_: notes.get(task_ids)
        return notes

    def test_tasks_that_failed_without_an_error_while_others_were_skipped_were_marked(self, outcome: Any) -> None:
        words = r"Probably a person marked the run or these tasks as failed: base\.answer, curate\."
        with pytest.raises(IncompleteRunError, match=words):
            outcome(curate="failed", report="skipped", **{"base.answer": "failed"})

    def test_a_task_that_failed_alone_without_an_error_may_also_have_been_ended(self, outcome: Any) -> None:
        with pytest.raises(
            IncompleteRunError, match=r"for curate: a person marked it as failed, or Airflow ended it\."
        ):
            outcome(curate="failed", report="upstream_failed")

    def test_a_task_that_said_why_it_failed_was_not_marked(self, outcome: Any, notes: dict[str, Any]) -> None:
        notes["curate"] = {"to_do": "Lower the limit.", "billed": "Nothing."}
        with pytest.raises(IncompleteRunError) as caught:
            outcome(curate="failed", report="upstream_failed")
        assert "a person marked" not in str(caught.value)

    def test_tasks_that_still_run_are_named(self, outcome: Any) -> None:
        words = r"Still running: judge\. This list and the cost are therefore incomplete\."
        with pytest.raises(IncompleteRunError, match=words):
            outcome(curate="failed", judge="running", outcome="running")


@pytest.mark.parametrize(
    ("settled", "words"),
    [
        ({"action": "restored", "arn": "arn:e", "model_arn": "arn:m"}, "arn:e answers with the champion arn:m again."),
        ({"action": "deleted", "arn": None, "model_arn": None}, "The standing endpoint was deleted"),
    ],
)
def test_a_failed_promotion_says_what_happened_to_the_standing_endpoint(
    outcome: Any, context: Any, settled: dict[str, Any], words: str
) -> None:
    results = {"settle": settled}
    context["ti"].xcom_pull = lambda task_ids, key="return_value", **_: (
        results.get(task_ids) if key != "failure" else None
    )
    with pytest.raises(IncompleteRunError) as caught:
        outcome(report="success", smoke="failed", promote="upstream_failed", settle="success")
    assert words in str(caught.value)


def test_a_promotion_that_was_skipped_after_its_smoke_test_fails_the_run(equip: Any, context: Any) -> None:
    """A person marks the run as failed while ``promote`` waits for its retry, so Airflow skips ``promote``."""
    states = {"switch": "success", "switched": "success", "smoke": "success", "promote": "skipped", "settle": "success"}
    context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: states}
    context["ti"].xcom_pull = lambda task_ids, key="return_value", **_: None
    may_be_skipped = ("switch", "switched", "smoke", "promote")
    task = equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI, may_be_skipped=may_be_skipped))
    with pytest.raises(IncompleteRunError, match="Probably a person marked the run as failed") as caught:
        task.execute(context)
    assert "What to do: Clear promote with downstream, which runs the tasks that were skipped." in str(caught.value)
    states["switch"] = states["switched"] = states["smoke"] = "skipped"  # nothing was to be promoted
    task.execute(context)


class TestWhatToDo:
    """The last task repeats what the failed tasks said, and does not guess."""

    @pytest.fixture
    def advice(self, equip: Any, context: Any) -> Any:
        def run(notes: dict[Any, str], *states: str, mapped: tuple[str, ...] = ()) -> str:
            def pull(task_ids: str, key: str = "return_value", map_indexes: int | None = None) -> Any:
                step = notes.get(task_ids if map_indexes is None else (task_ids, map_indexes))
                return {"to_do": step, "billed": "Nothing."} if step and key == "failure" else None

            context["ti"].xcom_pull = pull
            context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {
                run_ids[0]: dict.fromkeys(states, "failed")
            }
            task = equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI))
            with DAG("d", schedule=None) as dag:
                for name in mapped:
                    EmptyOperator.partial(task_id=name).expand(doc=[""])
            task.__dict__["_dag"] = dag
            with pytest.raises(IncompleteRunError) as caught:
                RunOutcomeOperator.execute.__wrapped__(task, context)  # type: ignore[attr-defined]
            return caught.value.to_do

        return run

    def test_the_advice_of_the_failed_task_is_repeated_word_by_word(self, advice: Any) -> None:
        step = "Trigger a new run with another value of documents (now 1)."
        assert advice({"preflight": step}, "preflight") == step

    @pytest.mark.parametrize(
        ("task", "step"),
        [
            ("tuned.trained", "Clear tuned.trained with downstream."),
            ("tuned.in_service", "Clear tuned.provision with downstream."),
            ("curate", "Clear curate with downstream."),
        ],
    )
    def test_for_a_task_that_was_killed_the_task_to_clear_is_named(self, advice: Any, task: str, step: str) -> None:
        assert advice({}, task) == step

    def test_clearing_an_answer_also_buys_an_endpoint(self, advice: Any) -> None:
        text = advice({"tuned.provision": "Clear it."}, "tuned.answer", "tuned.provision")
        assert "For tuned.answer: Clear tuned.answer with downstream (Airflow then also runs tuned.provision" in text
        assert "For tuned.provision: Clear it." in text

    def test_the_instances_of_a_mapped_task_are_asked_one_by_one(self, advice: Any) -> None:
        notes = {("synthesize", 3): "Wait.", ("synthesize", 7): "Wait.", "synthesize": "wrong"}
        assert advice(notes, "synthesize_3", "synthesize_7", mapped=("synthesize",)) == "Wait."

    def test_an_instance_that_was_killed_does_not_make_up_a_task_name(self, advice: Any) -> None:
        assert advice({}, "synthesize_3", mapped=("synthesize",)) == "Clear synthesize with downstream."

    def test_a_name_that_ends_in_a_number_is_not_an_instance(self, advice: Any) -> None:
        assert advice({}, "judge.llama_4") == "Clear judge.llama_4 with downstream."


class TestSpent:
    """A run that was killed before its report is in no other bill."""

    @pytest.fixture
    def run(self, store: MemoryStore) -> MemoryStore:
        claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
        return store

    def message(self, outcome: Any) -> str:
        with pytest.raises(IncompleteRunError) as caught:
            outcome(synthesize="failed")
        return str(caught.value)

    def test_a_run_that_paid_for_nothing_says_so(self, outcome: Any) -> None:
        assert "This run has paid for nothing." in self.message(outcome)

    @pytest.mark.parametrize(("buyer", "is_billed"), [(FOLDER.run_key, True), ("another-run", False)])
    def test_a_training_job_is_billed_to_the_run_that_bought_it(
        self,
        outcome: Any,
        run: MemoryStore,
        bedrock: FakeBedrock,
        context: Any,
        monkeypatch: Any,
        *,
        buyer: str,
        is_billed: bool,
    ) -> None:
        dataset = {"tokens": 1_000_000}
        context["ti"].xcom_pull = lambda task_ids, key="return_value": dataset if "upload" in task_ids else None
        job = SimpleNamespace(arn="arn:job/1", name="job-1")
        monkeypatch.setattr(RunOutcomeOperator, "_possible_jobs", lambda *_: [job])
        bedrock.tags_of["arn:job/1"] = {"run-key": buyer}
        with pytest.raises(IncompleteRunError) as caught:
            outcome(**{"tuned.submit": "success", "tuned.trained": "success", "judge": "failed"})
        assert ("for training (at most)." in str(caught.value)) is is_billed

    def test_the_prompt_optimization_job_that_the_run_bought_is_billed(
        self, outcome: Any, run: MemoryStore, bedrock: FakeBedrock, context: Any
    ) -> None:
        tokens = {"student_input": 0, "student_output": 0, "judge_input": 1_000_000, "judge_output": 0}
        job = {"job_name": "job", "job_arn": "arn:job/1", "arm": "prompted", "bought": True, "tokens": tokens}
        context["ti"].xcom_pull = lambda task_ids, key="return_value": job if "optimize.submit" in task_ids else None
        bedrock.tags_of["arn:job/1"] = {"run-key": FOLDER.run_key}
        with pytest.raises(IncompleteRunError, match=r"\$3\.30 for prompt optimization jobs \(estimated\)\."):
            outcome(**{"prompted.optimize.submit": "success", "prompted.optimize.wait": "failed"})

    def test_calls_and_endpoints_are_added_up(self, outcome: Any, run: MemoryStore) -> None:
        answers = AnswerStore(run, FOLDER.responses, FOLDER.run_key)
        request = make_request("claude-sonnet-4-6")
        completion = Completion("text", "end_turn", 1_000_000, 0)
        answers.store_batch_answer(request.key, completion, identity=request.identity, max_tokens=64)
        released = {"name": "pt", "created": "2026-11-22T02:00:00+00:00", "units": 1}
        record = {"released_at": "2026-11-22T04:00:00+00:00", "found": [released]}
        write_json(run, FOLDER.release_record("tuned", 1), record)
        parts = r"\$\d\.\d\d for model calls, \$\d+\.\d\d for endpoints\. Answers"
        assert re.search(rf"This run has spent about \$\d+\.\d\d so far: {parts}", self.message(outcome))

    def test_a_bill_that_cannot_be_read_does_not_hide_the_failed_tasks(self, outcome: Any, run: MemoryStore) -> None:
        write_json(run, FOLDER.release_record("tuned", 1), {"released_at": "soon", "found": [{}]})
        message = self.message(outcome)
        assert "Failed tasks: synthesize." in message
        assert "What this run has spent cannot be read" in message


class TestPromotion:
    """The log of the last task says which model was promoted, or why none was."""

    REPORTED: ClassVar[dict[str, str]] = {"report_json_uri": FOLDER.report("json")}

    @pytest.fixture
    def logged(self, equip: Any, context: Any, store: MemoryStore, capfd: pytest.CaptureFixture[str]) -> Any:
        def run(results: dict[str, Any], promotion: Any = None, skipped: str = "", **report: Any) -> str:
            write_json(store, FOLDER.report("json"), {"promotion": promotion, **report})
            context["params"] = {}
            states = {"report": "success", **({skipped: "skipped"} if skipped else {})}
            context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: states}
            context["ti"].xcom_pull = lambda task_ids, key="return_value": (
                results.get(task_ids) if key == "return_value" else "the reason of a task that skipped itself"
            )
            task = RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI, may_be_skipped=("promote",))
            equip(task).execute(context)
            printed = capfd.readouterr()
            return printed.out + printed.err

        return run

    def test_a_promoted_model_is_named(self, logged: Any) -> None:
        promoted = {"arm": "tuned", "model_arn": "arn:model/tuned"}
        assert "tuned was promoted: arn:model/tuned is the champion." in logged(
            {"report": self.REPORTED, "promote": promoted}
        )

    @pytest.mark.parametrize(
        ("kind", "billed"),
        [("on_demand", "billed by the token"), ("provisioned", "by the hour until a person deletes it")],
    )
    def test_the_standing_endpoint_is_named_with_the_model_that_answered_before(
        self, logged: Any, kind: str, billed: str
    ) -> None:
        promoted = {"arm": "tuned", "model_arn": "arn:model/tuned", "previous_model_arn": "arn:model/old"}
        text = logged(
            {"report": self.REPORTED, "promote": {**promoted, "endpoint_arn": "arn:e", "endpoint_kind": kind}}
        )
        assert "Applications call arn:e, which answers with arn:model/tuned (before: arn:model/old)." in text
        assert billed in text

    def test_the_reasons_are_named_if_the_rule_promotes_no_arm(self, logged: Any) -> None:
        decision = {"candidate": "tuned", "champion": "base", "promoted": False, "reasons": ["the sample is small"]}
        text = logged({"report": self.REPORTED}, {"decisions": [decision]})
        assert "No arm is promoted: tuned: the sample is small." in text

    WON: ClassVar[Any] = {"candidate": "tuned", "champion": "best", "promoted": True, "reasons": [], "lower_bound": 0.6}

    @pytest.mark.parametrize(
        ("approval", "words"),
        [
            (None, "promote was skipped, as its log explains."),
            ({"chosen_options": ["Approve"], "responded_by_user": {"id": "1", "name": "ada"}}, "promote was skipped"),
            ({"chosen_options": ["Reject"], "responded_by_user": {"id": "1", "name": "ada"}}, "ada rejected it."),
            ({"chosen_options": ["Reject"], "responded_by_user": None}, "nobody approved it in time."),
        ],
    )
    def test_the_reason_why_a_winner_was_not_promoted_is_named(self, logged: Any, approval: Any, words: str) -> None:
        text = logged(
            {"report": self.REPORTED, "approve": approval},
            {"decisions": [self.WON]},
            comparisons=[comparison(judge, "tuned", CLEAR) for judge in JUDGES],
            answer_endings={"tuned": COMPLETE, "best": COMPLETE},
        )
        assert f"Nothing was promoted: the rule accepts tuned, but {words}" in text

    def test_the_result_of_an_earlier_attempt_does_not_count_if_promote_was_skipped(self, logged: Any) -> None:
        """A rollback withdrew the model, and then `switch` was cleared with downstream."""
        promoted = {"arm": "tuned", "model_arn": "arn:model/tuned", "endpoint_arn": "arn:e"}
        text = logged(
            {"report": self.REPORTED, "promote": promoted},
            {"decisions": [self.WON]},
            skipped="promote",
            comparisons=[comparison(judge, "tuned", CLEAR) for judge in JUDGES],
            answer_endings={"tuned": COMPLETE, "best": COMPLETE},
        )
        assert "Nothing was promoted: the rule accepts tuned, but promote was skipped" in text
        assert "arn:e" not in text

    def test_a_winner_that_the_present_rule_refuses_is_not_called_accepted(self, logged: Any) -> None:
        text = logged({"report": self.REPORTED}, {"decisions": [self.WON]})
        assert "No arm is promoted: tuned: the stop reasons" in text

    def test_a_report_that_cannot_be_read_does_not_fail_the_run(self, logged: Any) -> None:
        assert "The reasons cannot be read" in logged({"report": {"report_json_uri": "s3://bucket/nothing.json"}})

    def test_results_of_an_earlier_version_do_not_fail_the_run(self, logged: Any) -> None:
        text = logged({"report": {"a_key_of_an_earlier_version": 1}})
        assert "The result of the task report has no 'report_json_uri'" in text
        assert "was promoted" in logged({"report": {"a": 1}, "promote": {"champion_uri": "s3://b/champion.json"}})


class TestRefusedSpending:
    """A run whose spending a person did not approve fails, and says who decided what."""

    @pytest.fixture
    def message(self, store: MemoryStore, use_case: UseCase, outcome: Any) -> Any:
        freeze(store, use_case, approval={"before_spending": "always"})
        write_json(store, FOLDER.estimate, {"lines": [], "estimated_usd": 3.0})
        asked = plan_spending(use_case, read_json(store, FOLDER.estimate, SpendingEstimate)).asked

        def run(states: dict[str, str], **answer: Any) -> IncompleteRunError:
            record = {
                "asked": asked, "estimated_usd": 3.0, "to_pay_usd": 3.0, "usd_per_hour": 0.0, "decision": "rejected",
                "user_id": "1", "user_name": "Ada", "answered_at": "2026-11-27T02:00:00+00:00", **answer,
            }  # fmt: skip
            write_json(store, FOLDER.spending_approval, record)
            with pytest.raises(IncompleteRunError) as caught:
                outcome(**{"estimate": "success", "approve_spending": "success", "synthesize": "skipped", **states})
            return caught.value

        return run

    def test_who_rejected_it_and_when_is_named(self, message: Any) -> None:
        error = message({})
        assert error.happened == (
            "The run was not approved. Ada (user id 1) rejected the estimate at 2026-11-27T02:00:00+00:00. All later"
            " tasks were skipped."
        )
        assert error.billed == "Nothing was bought after the question. This run has paid for nothing."
        assert error.to_do.startswith("Clear approve_spending with downstream to ask again")

    def test_that_nobody_answered_is_said(self, message: Any) -> None:
        text = message({}, decision="unanswered", user_id=None, user_name=None).happened
        assert "The run was not approved. Nobody answered by 2026-11-27T02:00:00+00:00." in text

    @pytest.mark.parametrize(
        ("states", "answer"),
        [
            ({}, {"decision": "approved"}),
            ({}, {"asked": "another estimate"}),
            ({"approve_spending": "skipped"}, {}),
            ({"report": "failed"}, {}),
        ],
        ids=["approved", "another estimate", "run marked as failed", "another task failed"],
    )
    def test_other_reasons_are_not_called_a_rejection(self, message: Any, states: Any, answer: Any) -> None:
        assert message(states, **answer).happened.startswith("The run is incomplete.")
