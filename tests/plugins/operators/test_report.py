from __future__ import annotations

import copy
import datetime
import json
from typing import Any, ClassVar

import pytest

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config import use_case_checks
from include.distill.config.layout import RunFolder
from include.distill.config.published import load_published
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ReconciliationError, RefusedError
from include.distill.core.storage import read_json, read_jsonl, write_json, write_jsonl
from include.distill.inference.requests import ModelRequest
from include.distill.labeling.label_store import answers_hash, store_labels
from tests.fakes.dialogue import say, verdict
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

NEXT_RUN_URI = RUN_URI.replace("manual-1", "manual-2")
METRICS = b"step_number,epoch_number,training_loss\n0,0,1.5\n1,0,0.5\n"
CONTRACT = {"run_key", "use_case", "simulated", "source", "synthesis", "arms", "comparisons", "cost"}


class PipelineRun:
    """
    A run of all paid steps on the fakes, in the order of the DAG's tasks.

    The tasks before the report run once for each state of the fakes before them. After that, their results are copied.
    """

    _known: ClassVar[list[tuple[Any, Any, dict[str, Any]]]] = []

    def __init__(self, run_uri: str, equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any) -> None:
        self.run_uri, self.equip, self.bedrock, self.store, self.context = run_uri, equip, bedrock, store, context
        self.metrics = METRICS
        self.ingested = {"rows": 14, "accepted": 14, "rejected": 0, "train": 10, "evaluation": 4}

    def run(self, task_class: Any, task_id: str = "task", **arguments: Any) -> Any:
        return self.equip(task_class(task_id=task_id, run_uri=self.run_uri, **arguments)).execute(self.context)

    def tune(self, synthesis: Any) -> dict[str, Any]:
        merged = self.run(MergeDatasetOperator, arm="tuned", synthesis=synthesis)
        dataset = self.run(UploadDatasetOperator, arm="tuned", merged=merged)
        submitted = self.run(BedrockSubmitCustomizationJobOperator, arm="tuned", dataset=dataset)
        job = self.bedrock.jobs[submitted["job_name"]]
        self.bedrock.put_job(job.name, "Completed", output_uri=job.output_uri)
        folder = f"{job.output_uri}model-customization-job-{job.name}/training_artifacts"
        self.store.write(f"{folder}/step_wise_training_metrics.csv", self.metrics)
        trained = self.run(
            BedrockCustomizationJobSensor, submitted=submitted, poll_interval_seconds=1, timeout_seconds=1
        )
        return {"dataset": dataset, "trained": trained}

    def serve(self, trained: Any) -> dict[str, Any]:
        provisioned = self.run(BedrockProvisionThroughputOperator, arm="tuned", trained=trained)
        if name := provisioned["throughput_name"]:
            self.bedrock.put_throughput(name, "InService", model_arn=trained["model_arn"])
        serving = self.run(
            BedrockProvisionedThroughputSensor,
            task_id="tuned.in_service",
            provisioned=provisioned,
            poll_interval_seconds=1,
            timeout_seconds=1,
        )
        answers = [self.run(BedrockAnswerOperator, arm="tuned", serving=serving, shard=n) for n in range(4)]
        self.run(BedrockReleaseThroughputOperator, arm="tuned")
        return {"provisioned": provisioned, "answers": answers}

    def until_report(self) -> dict[str, Any]:
        """Run every task before ``report``, and return the arguments of ``report``."""
        fakes = [vars(self.store), vars(self.bedrock), vars(self.context["ti"])]
        state = [self.run_uri, self.metrics, self.context, *fakes]
        for before, after, arguments in self._known:
            if before == state:
                for fake, known in zip(fakes, after, strict=True):
                    fake.update(copy.deepcopy(known))
                return copy.deepcopy(arguments)
        before = copy.deepcopy(state)
        arguments = self.run_until_report()
        self._known.append((before, copy.deepcopy(fakes), copy.deepcopy(arguments)))
        return arguments

    def run_until_report(self) -> dict[str, Any]:
        """Run every task before ``report``, even if the results are known."""
        write_jsonl(self.store, RunFolder(self.run_uri).source("rejected"), [])
        self.run(EstimateCostOperator)
        written = [self.run(BedrockSynthesizeOperator, shard=n) for n in range(10)]
        synthesis = [self.run(CuratePairsOperator, synthesis=written)]
        base = [self.run(BedrockAnswerOperator, arm="base", shard=n) for n in range(4)]
        tuned = self.tune(synthesis)
        tuned |= self.serve(tuned["trained"])
        judgments = [
            self.run(BedrockJudgeOperator, judge=judge, candidate="tuned", baseline="base")
            for judge in ("claude-haiku-4-5", "mistral-large-3")
        ]
        arms = {"base": {"answers": base}, "tuned": tuned}
        return {"ingested": self.ingested, "synthesis": synthesis, "arms": arms, "judgments": [judgments]}

    def report(self, **changes: Any) -> tuple[dict[str, Any], Any]:
        """Run all tasks including ``report``, and return its manifest and ``report.json``."""
        manifest = self.run(RenderReportOperator, "report", **{**self.until_report(), **changes})
        return manifest, read_json(self.store, manifest["report_json_uri"], dict)


@pytest.fixture
def new_run(equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any) -> Any:
    bedrock.say = say

    def make(run_uri: str = RUN_URI) -> PipelineRun:
        for uri, body in list(store.objects.items()):
            if uri.startswith((FOLDER.use_case, FOLDER.champion, f"{RUN_URI}/source/", f"{RUN_URI}/shards/")):
                store.write(uri.replace(RUN_URI, run_uri), body)
        return PipelineRun(run_uri, equip, bedrock, store, context)

    return make


def usd(report: Any, part: str) -> float:
    return sum(line["usd"] for line in report["cost"]["lines"] if line["what"].startswith(part))


def test_clearing_the_report_of_an_old_run_does_not_make_it_the_newest_run(new_run: Any, store: MemoryStore) -> None:
    """Airflow gives a run a new start date when one of its tasks is cleared."""
    run, listed = new_run(), f"{FOLDER.root}/reports/aws_docs_qa/"
    arguments = run.until_report()
    run.run(RenderReportOperator, "report", **arguments)
    entries = store.list(listed)
    run.context["dag_run"].start_date += datetime.timedelta(days=30)
    run.run(RenderReportOperator, "report", **arguments)
    assert store.list(listed) == entries == [f"{listed}20261122T020000Z-{FOLDER.run_key}.json"]


class TestContent:
    def test_the_report_has_the_keys_of_its_schema_and_its_counts_add_up(self, new_run: Any) -> None:
        manifest, report = new_run().report()
        assert report.keys() >= CONTRACT
        synthesis = report["synthesis"]
        assert synthesis["requested"] == synthesis["accepted"] + synthesis["rejected"] + synthesis["missing"] == 30
        assert report["source"]["rows"] == report["source"]["accepted"] + report["source"]["rejected"]
        assert [(c["judge"], c["n"], c["wins"]) for c in report["comparisons"]] == [
            ("claude-haiku-4-5", 4, 4),
            ("mistral-large-3", 4, 4),
        ]
        assert set(manifest) == {"report_json_uri", "report_html_uri", "verdict", "actual_usd", "simulated", "drift"}
        assert len(json.dumps(manifest)) < 2048

    def test_the_report_describes_each_arm(self, new_run: Any) -> None:
        _, report = new_run().report()
        base, tuned = report["arms"]
        assert {**base} == {
            "name": "base",
            "kind": "base",
            "released": True,
            **dict.fromkeys(["records", "designed", "train_uri", "job_arn", "job_status", "training_loss", "serving"]),
        }
        assert (tuned["kind"], tuned["records"], tuned["job_status"]) == ("fine_tuned", 40, "Completed")
        assert tuned["designed"] == 40
        assert (tuned["training_loss"], tuned["released"]) == (0.5, True)
        assert tuned["serving"].startswith("arn:throughput/test-aws-docs-qa-tuned-")
        assert report["loss_curves"] == {
            "tuned": [{"step": 0, "epoch": 0, "loss": 1.5}, {"step": 1, "epoch": 0, "loss": 0.5}]
        }

    def test_the_report_says_that_the_models_were_simulated(self, new_run: Any, store: MemoryStore) -> None:
        manifest, report = new_run().report()
        assert manifest["simulated"] is report["simulated"] is True
        assert b"SIMULATED" in store.read(manifest["report_html_uri"])

    def test_an_endpoint_that_still_exists_is_reported(self, new_run: Any, bedrock: FakeBedrock) -> None:
        run = new_run()
        arguments = run.until_report()
        bedrock.put_throughput(arguments["arms"]["tuned"]["provisioned"]["throughput_name"], "InService")
        manifest = run.run(RenderReportOperator, **arguments)
        report = read_json(run.store, manifest["report_json_uri"], dict)
        assert report["arms"][1]["released"] is False
        assert report["cost"]["hourly_usd"] == arguments["arms"]["tuned"]["provisioned"]["usd_per_hour"]
        assert b"per hour after this report" in run.store.read(manifest["report_html_uri"])

    def test_an_endpoint_that_could_not_be_released_is_billed_until_the_report(
        self, new_run: Any, bedrock: FakeBedrock
    ) -> None:
        run = new_run()
        arguments = run.until_report()
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)
        name = arguments["arms"]["tuned"]["provisioned"]["throughput_name"]
        run.store.delete(FOLDER.release_record("tuned", 1))
        bedrock.put_throughput(name, "InService", created=created)
        manifest = run.run(RenderReportOperator, **arguments)
        lines = read_json(run.store, manifest["report_json_uri"], dict)["cost"]["lines"]
        [line] = [line for line in lines if line["what"].startswith("throughput tuned")]
        assert line["quantity"] == pytest.approx(3, abs=0.1)

    def test_a_failed_endpoint_is_not_part_of_the_sum(self, new_run: Any) -> None:
        run = new_run()
        arguments = run.until_report()
        before = read_json(run.store, run.run(RenderReportOperator, **arguments)["report_json_uri"], dict)["cost"]
        found = [{"name": "first", "created": "2026-11-22T02:00:00+00:00", "units": 1, "failed": True}]
        record = {"released_at": "2026-11-22T04:00:00+00:00", "found": found}
        write_json(run.store, FOLDER.release_record("tuned", 7), record)
        manifest = run.run(RenderReportOperator, **arguments)
        cost = read_json(run.store, manifest["report_json_uri"], dict)["cost"]
        assert (cost["actual_usd"], cost["lines"]) == (before["actual_usd"], before["lines"])
        [line] = cost["failed_endpoints"]
        assert (line["quantity"], cost["failed_endpoints_usd"]) == (2.0, line["usd"])
        assert b"if Bedrock bills endpoints that failed" in run.store.read(manifest["report_html_uri"])
        assert "failed_endpoints" not in before
        assert "hourly_usd" not in before

    def test_rows_on_which_judges_disagree_are_shown_with_both_answers(
        self, new_run: Any, bedrock: FakeBedrock
    ) -> None:
        def torn(request: ModelRequest) -> str:
            if "<answer_a>" in request.user and request.identity.startswith("mistral"):
                return verdict("TIE")
            return say(request)

        bedrock.say = torn
        _, report = new_run().report()
        assert len(report["disagreements"]) == 4
        shown = report["disagreements"][0]
        assert shown["candidate_answer"] == f"{shown['baseline_answer']} at length"

    def test_labels_do_not_count_if_their_answers_have_changed(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        arguments = run.until_report()
        (asked,) = read_jsonl(store, FOLDER.answers("tuned", 0), dict)
        (other,) = read_jsonl(store, FOLDER.answers("base", 0), dict)
        label = {"row_id": asked["row_id"], "candidate": "tuned", "baseline": "base", "labeller": "ada"}
        label |= {"answers": answers_hash(asked["answer"], other["answer"]), "verdict": "candidate"}
        store_labels(store, FOLDER, [label, {**label, "answers": None}])
        reports = []
        for answer in (asked["answer"], "another answer"):
            write_jsonl(store, FOLDER.answers("tuned", 0), [{**asked, "answer": answer}])
            reports.append(
                read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
            )
        assert [report["labels"]["counted"] for report in reports] == [1, 0]
        assert reports[1]["labels"] == {"counted": 0, "changed": 1, "unmarked": 1}
        people = [[line for line in report["agreement"] if "(person)" in line["second"]] for report in reports]
        assert [bool(lines) for lines in people] == [True, False]

    def test_shards_of_an_earlier_larger_ingestion_are_not_used(self, new_run: Any, store: MemoryStore) -> None:
        stale = {"row_id": "x", "question": "Stale?", "answer": "Stale", "topic": "t"}
        write_jsonl(store, FOLDER.synthetic(10), [stale] * 50)
        write_jsonl(store, FOLDER.answers("base", 4), [{"row_id": "x", "answer": "Stale"}])
        manifest, _ = new_run().report()
        assert b"Stale" not in store.read(manifest["report_json_uri"])

    def test_counts_that_do_not_add_up_are_refused(self, new_run: Any, store: MemoryStore) -> None:
        with pytest.raises(ReconciliationError, match="rows 99 is not accepted 14"):
            new_run().report(ingested={"rows": 99, "accepted": 14, "rejected": 0, "train": 10, "evaluation": 4})
        assert not store.exists(FOLDER.report("json"))

    def test_a_job_without_metrics_has_a_report_without_a_loss_curve(self, new_run: Any) -> None:
        run = new_run()
        run.metrics = b"step_number,epoch_number,training_loss\n"
        assert run.report()[1]["loss_curves"] == {"tuned": []}

    def test_incomplete_answers_are_counted_and_warned_about(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        arguments = run.until_report()
        for number, reason in enumerate(("max_tokens", "guardrail_intervened", "novel", "end_turn")):
            uri = FOLDER.answers("tuned", number)
            write_jsonl(store, uri, [{**record, "stop_reason": reason} for record in read_jsonl(store, uri, dict)])
        manifest = run.run(RenderReportOperator, "report", **arguments)
        report = read_json(store, manifest["report_json_uri"], dict)
        counts = report["answer_endings"]["tuned"]
        assert (counts["answers"], counts["complete"], counts["truncated"], counts["filtered"]) == (4, 1, 1, 1)
        assert counts["unknown_stop_reasons"] == {"novel": 1}
        assert report["answer_endings"]["base"]["complete"] == 4
        assert "tuned: 3 of 4 answers are incomplete" in report["warnings"][0]
        page = store.read(manifest["report_html_uri"]).decode()
        assert "3 of 4 answers are incomplete" in page
        assert "all 4 answers are complete" in page


class TestBill:
    def test_the_bill_has_a_line_for_every_purchase_and_the_sum_of_the_lines(self, new_run: Any) -> None:
        manifest, report = new_run().report()
        cost = report["cost"]
        assert cost["actual_usd"] == manifest["actual_usd"] == pytest.approx(sum(line["usd"] for line in cost["lines"]))
        # Ten questions of 100 tokens in and 10 out at $2.20 and $11.00 a million.
        assert usd(report, "synthesis") == pytest.approx(10 * (100 * 2.20 + 10 * 11.00) / 1e6, abs=1e-4)
        assert usd(report, "throughput") > 0
        assert usd(report, "training") > 0

    def test_the_report_has_the_choice_of_the_estimate(self, new_run: Any) -> None:
        _, report = new_run().report()
        assert report["cost"]["serving"]["tuned"]["mode"] == "on_demand"

    def test_answers_of_provisioned_throughput_are_paid_by_the_hour_not_by_the_token(
        self, new_run: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, serving={"mode": "provisioned"})
        _, report = new_run().report()
        whats = [line["what"] for line in report["cost"]["lines"]]
        assert any(what.startswith("answers base") for what in whats)
        assert not any(what.startswith("answers tuned") for what in whats)

    def test_the_next_run_pays_for_nothing_that_was_paid_before(self, new_run: Any, bedrock: FakeBedrock) -> None:
        _, first = new_run().report()
        bought, asked = list(bedrock.bought), len(bedrock.asked)
        _, second = new_run(NEXT_RUN_URI).report()
        assert (bedrock.bought, len(bedrock.asked)) == (bought, asked)
        assert first["cost"]["actual_usd"] > 0
        assert second["cost"]["actual_usd"] == 0
        assert second["synthesis"]["cache_hits"] == first["synthesis"]["calls"] == 10
        assert second["arms"][1]["job_arn"] == first["arms"][1]["job_arn"]
        assert second["arms"][1]["serving"] is None

    def test_a_critic_has_its_own_lines_next_to_its_estimate_and_the_next_run_pays_nothing_for_it(
        self, new_run: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, curation={"critic": {"model": "claude-haiku-4-5", "max_spend_usd": 5}})
        _, report = new_run().report()
        lines = {line["what"]: line for line in report["cost"]["lines"]}
        assert lines["critic: claude-haiku-4-5 input"]["quantity"] == 30 * 100
        assert lines["critic: claude-haiku-4-5 input"]["estimated_usd"] > 0
        assert report["synthesis"]["critic"].items() >= {"grounded": 30, "calls": 30, "cache_hits": 0}.items()
        card = report["data_cards"][0]
        assert (card["critic"]["grounded"], card["funnel"][-1]) == (30, {"filter": "critic", "dropped": 0, "left": 30})
        assert "critic.j2" in card["prompts"]
        _, report = new_run(NEXT_RUN_URI).report()
        assert usd(report, "critic") == 0
        assert report["synthesis"]["critic"].items() >= {"grounded": 30, "calls": 0, "cache_hits": 30}.items()

    def test_clearing_the_report_changes_nothing(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        arguments = run.until_report()
        for _ in range(2):
            manifest = run.run(RenderReportOperator, **arguments)
        assert read_json(store, manifest["report_json_uri"], dict)["cost"]["actual_usd"] == manifest["actual_usd"]
        assert len(read_jsonl(store, arguments["judgments"][0][0]["verdicts_uri"], dict)) == 8


def test_the_report_and_the_log_name_the_day_of_a_simulated_account(
    new_run: Any, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run()
    _, today = run.report()
    assert "simulated_as_of" not in today
    bedrock.day = "2025-02-12"
    _, report = run.report()
    assert (report["simulated"], report["simulated_as_of"]) == (True, "2025-02-12")
    assert "As of 2025-02-12, SIMULATED: " in capsys.readouterr().out


def test_a_day_that_cannot_be_read_does_not_cost_the_report(new_run: Any, bedrock: FakeBedrock) -> None:
    run = new_run()
    arguments = run.until_report()
    bedrock.refuse["amazon.nova-micro-v1:0"] = RefusedError("AccessDeniedException: no")
    manifest = run.run(RenderReportOperator, "report", **arguments)
    report = read_json(run.store, manifest["report_json_uri"], dict)
    assert "simulated_as_of" not in report
    assert any("the day of the simulated account" in note for note in report["missing_parts"])


def test_published_figures_are_part_of_the_report_if_the_use_case_names_them(
    new_run: Any, store: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The run has other arms than the article, so the figures are read as if they were about the run's base arm.
    few_arms = load_published("article").model_copy(update={"arms": {"base": "the untrained student"}})
    monkeypatch.setattr(use_case_checks, "load_published", lambda _: few_arms)
    freeze(store, use_case, published="article")
    _, report = new_run().report()
    assert report["published"]["figures"][0]["preference"] == 0.848
