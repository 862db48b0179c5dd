"""Each figure is sent as a metric by the task that knows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.operators.batch import BedrockSubmitBatchOperator
from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import IngestCsvOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.promote import PromoteChampionOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, SpendCapError, ThrottledError, TooManyFailuresError
from include.distill.core.storage import read_json, write_jsonl
from include.distill.cost.records import ThroughputRelease
from tests.fakes.decided_report import ASSET, REPORTED, TRAINED, decide, decision
from tests.fakes.dialogue import pairs, say
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recorded_stats import RecordedStats
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tests.plugins.operators.conftest import throttled_on
from tests.plugins.operators.test_train import submit_task

TEACHER, STUDENT, JUDGE = "claude-sonnet-5-5", "nova-micro", "claude-haiku-4-5"


@pytest.fixture
def judge(answer: Any, equip: Any, context: Any) -> Any:
    """Return a function that makes a judge compare the answers of two arms."""

    def run() -> None:
        for shard in range(4):
            answer(shard=shard)
            answer(arm="base", serving=None, shard=shard)
        task = BedrockJudgeOperator(task_id="judge", run_uri=RUN_URI, judge=JUDGE, candidate="tuned", baseline="base")
        equip(task).execute(context)

    return run


class TestCalls:
    def test_an_attempt_counts_its_calls_and_tokens(self, answer: Any, sent_metrics: RecordedStats) -> None:
        answer()
        assert sent_metrics.of("distill.calls") == {f"answer {STUDENT}": 1}
        assert sent_metrics.of("distill.input_tokens") == {f"answer {STUDENT}": 100}
        assert sent_metrics.of("distill.output_tokens") == {f"answer {STUDENT}": 10}
        assert sent_metrics.of("distill.answers_stored") == {}
        assert sent_metrics.use_cases == {"aws_docs_qa"}

    def test_a_cleared_task_counts_stored_answers_and_no_call(self, answer: Any, sent_metrics: RecordedStats) -> None:
        answer()
        answer()
        assert sent_metrics.of("distill.calls") == {f"answer {STUDENT}": 1}
        assert sent_metrics.of("distill.answers_stored") == {f"answer {STUDENT}": 1}

    def test_a_failed_attempt_counts_the_calls_that_it_has_paid_for(
        self, answer: Any, bedrock: FakeBedrock, store: MemoryStore, sent_metrics: RecordedStats
    ) -> None:
        write_jsonl(store, FOLDER.shard("evaluation", 0), [make_row(101), make_row(102)])
        bedrock.say = throttled_on("102")
        with pytest.raises((ThrottledError, TooManyFailuresError)):
            answer()
        assert sent_metrics.of("distill.calls") == {f"answer {STUDENT}": 1}
        assert sent_metrics.of("distill.calls_rejected")[f"answer {STUDENT} throttled"] >= 1

    def test_a_task_that_fails_before_its_first_question_sends_nothing(
        self, answer: Any, sent_metrics: RecordedStats
    ) -> None:
        with pytest.raises(Exception, match="has no endpoint"):
            answer(serving=None)
        assert sent_metrics.values == {}

    def test_judges_and_teachers_have_steps_of_their_own(
        self, judge: Any, equip: Any, bedrock: FakeBedrock, context: Any, sent_metrics: RecordedStats
    ) -> None:
        judge()
        bedrock.say = pairs
        equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0)).execute(context)
        calls = sent_metrics.of("distill.calls")
        assert {key: calls[key] for key in calls if "answer" not in key} == {
            f"judge {JUDGE}": 8,
            f"synthesize {TEACHER}": 1,
        }


class TestRowsAndPairs:
    def test_ingest_sends_rows_by_side_and_reason(
        self, equip: Any, store: MemoryStore, use_case: UseCase, context: Any, sent_metrics: RecordedStats
    ) -> None:
        header = "doc,question,answer\n"
        rows = "".join(f"Document {n},Question {n}?,Answer {n}\n" for n in range(1, 31))
        store.write("s3://input/train.csv", f"{header}{rows}Document x,,Answer x\n".encode())
        store.write("s3://input/evaluation.csv", f"{header}Document e,Question e?,Answer e\n".encode())
        freeze(
            store,
            use_case,
            source={"training_csv": "s3://input/train.csv", "evaluation_csv": "s3://input/evaluation.csv"},
        )
        equip(IngestCsvOperator(task_id="ingest", run_uri=RUN_URI)).execute(context)
        assert sent_metrics.values["distill.rows"] == {"training": 30, "evaluation": 1, "rejected": 1}
        assert sent_metrics.of("distill.rows_rejected") == {"empty_field": 1}
        assert sent_metrics.values["distill.rows_rejected"]["duplicate"] == 0  # replaces the value of an earlier run

    def test_curate_sends_pairs_by_result_and_filter(
        self, equip: Any, bedrock: FakeBedrock, context: Any, sent_metrics: RecordedStats
    ) -> None:
        bedrock.say = pairs
        manifests = [
            equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=shard)).execute(context)
            for shard in range(10)
        ]
        equip(CuratePairsOperator(task_id="curate", run_uri=RUN_URI, synthesis=manifests)).execute(context)
        assert sent_metrics.values["distill.pairs"] == {"accepted": 30, "rejected": 0, "missing": 0}
        assert set(sent_metrics.values["distill.pairs_dropped"]) >= {"leak", "repeats_pair", "ungrounded"}


class TestMoney:
    def test_estimate_sends_the_price_and_the_cap_even_if_it_refuses_the_run(
        self, equip: Any, store: MemoryStore, use_case: UseCase, context: Any, sent_metrics: RecordedStats
    ) -> None:
        freeze(store, use_case, max_spend_usd=0.01)
        with pytest.raises(SpendCapError):
            equip(EstimateCostOperator(task_id="estimate", run_uri=RUN_URI)).execute(context)
        assert sent_metrics.values["distill.spend_cap_usd"] == {"": 0.01}
        assert sent_metrics.values["distill.estimated_usd"][""] > 0.01

    @pytest.mark.usefixtures("training_set")
    def test_only_the_task_that_buys_a_training_job_counts_it(
        self, equip: Any, context: Any, sent_metrics: RecordedStats
    ) -> None:
        for _ in range(2):
            submit_task(equip).execute(context)
        assert sent_metrics.of("distill.purchases") == {"training_job": 1}

    def test_an_evaluation_job_is_counted_once(self, submit_evaluation: Any, sent_metrics: RecordedStats) -> None:
        for _ in range(2):
            submit_evaluation()
        assert sent_metrics.of("distill.purchases") == {"evaluation_job": 1}

    def test_a_prompt_optimization_job_is_counted_once(
        self, submit_optimization: Any, sent_metrics: RecordedStats
    ) -> None:
        for _ in range(2):
            submit_optimization()
        assert sent_metrics.of("distill.purchases") == {"prompt_optimization_job": 1}

    def test_a_batch_job_is_counted_once(
        self, equip: Any, store: MemoryStore, use_case: UseCase, context: Any, sent_metrics: RecordedStats
    ) -> None:
        rows = [make_row(number) for number in range(1, 121)]
        write_jsonl(store, FOLDER.source("train"), rows)
        write_jsonl(store, FOLDER.shard("train", 0), rows)
        synthesis = {**use_case.synthesis.model_dump(mode="json"), "inference": "batch"}
        freeze(store, use_case, synthesis=synthesis, teacher="claude-sonnet-4-6")
        jobs = FakeBatchJobs(store, say)
        for _ in range(2):
            task = equip(BedrockSubmitBatchOperator(task_id="submit", run_uri=RUN_URI, step="synthesize", shards=[0]))
            task.__dict__["batch_jobs"] = jobs
            task.execute(context)
        assert sent_metrics.of("distill.purchases") == {"batch_job": 1}

    def test_an_endpoint_is_counted_once_and_its_release_sends_the_billed_time(
        self, equip: Any, store: MemoryStore, context: Any, sent_metrics: RecordedStats
    ) -> None:
        place = {"arm": "tuned", "run_uri": RUN_URI}
        provision = BedrockProvisionThroughputOperator(
            task_id="provision", trained={"model_arn": "arn:model/m"}, **place
        )
        for _ in range(2):
            equip(provision).execute(context)
        assert sent_metrics.of("distill.purchases") == {"throughput": 1}
        release = BedrockReleaseThroughputOperator(task_id="release", wait_seconds=0, **place)
        released = equip(release).execute(context)
        assert len(read_json(store, FOLDER.release_record("tuned", 1), ThroughputRelease)["found"]) == 1
        assert released["unit_hours"] > 0
        assert sent_metrics.values["distill.endpoint_seconds"] == {
            "tuned": pytest.approx(released["unit_hours"] * 3600, abs=1e-3)
        }


class TestEnd:
    def test_a_promotion_is_counted(
        self, equip: Any, prepared: MemoryStore, context: Any, sent_metrics: RecordedStats
    ) -> None:
        decide(prepared, decision("tuned"), decision("more", promoted=False))
        context["outlet_events"] = {ASSET: SimpleNamespace(extra=None)}
        task = PromoteChampionOperator(
            task_id="promote", run_uri=RUN_URI, reported=REPORTED, trained=TRAINED, outlets=[ASSET]
        )
        equip(task).execute(context)
        assert sent_metrics.values["distill.promotions"] == {"": 1}

    def test_the_end_of_a_run_is_counted_with_its_state_and_duration(
        self, equip: Any, context: Any, sent_metrics: RecordedStats
    ) -> None:
        states = {"report": "success"}
        context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: states}
        equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)
        states["report"] = "failed"
        with pytest.raises(IncompleteRunError):
            equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)
        assert sent_metrics.values["distill.runs"] == {"succeeded": 1, "failed": 1}
        assert min(sent_metrics.values["distill.run_seconds"].values()) > 0

    def test_a_failed_run_has_a_bill_without_a_report(
        self, judge: Any, equip: Any, store: MemoryStore, context: Any, sent_metrics: RecordedStats
    ) -> None:
        claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa")
        judge()
        context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: {"judge": "failed"}}
        with pytest.raises(IncompleteRunError):
            equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)
        [(kind, usd)] = sent_metrics.of("distill.cost_usd").items()
        assert (kind, usd > 0) == ("other", True)  # stored answers do not say which step asked for them

    def test_a_dry_run_is_not_counted(self, equip: Any, context: Any, sent_metrics: RecordedStats) -> None:
        context["params"] = {"dry_run": True}
        context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: {"estimate": "success"}}
        equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(context)
        assert sent_metrics.values == {}
