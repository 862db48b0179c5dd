"""Report a run in which Bedrock's Model Distillation trains the student."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.layout import RunFolder
from include.distill.core.storage import read_json, write_jsonl
from include.distill.report.schema import ReportSchema
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze, make_row
from tests.plugins.operators import test_report as builders
from tests.plugins.operators.test_report import NEXT_RUN_URI, PipelineRun, usd

new_run = builders.new_run  # pytest finds the fixture by its name
ARMS = [{"name": "base", "kind": "base"}, {"name": "tuned", "kind": "distilled", "teacher": "nova-pro"}]


@pytest.fixture
def distilled(store: MemoryStore, use_case: Any) -> None:
    """Freeze a use case whose trained arm is a distilled arm, with the rows that its job needs."""
    freeze(store, use_case, arms=ARMS)
    write_jsonl(store, FOLDER.source("train"), [make_row(number) for number in range(200, 320)])


def until_report(run: PipelineRun) -> dict[str, Any]:
    """Run every task before ``report``. No arm has pairs, so no task asks our teacher."""
    write_jsonl(run.store, RunFolder(run.run_uri).source("rejected"), [])
    run.run(EstimateCostOperator)
    base = [run.run(builders.BedrockAnswerOperator, arm="base", shard=n) for n in range(4)]
    tuned = run.tune([])
    tuned |= run.serve(tuned["trained"])
    judgments = [
        run.run(builders.BedrockJudgeOperator, judge=judge, candidate="tuned", baseline="base")
        for judge in ("claude-haiku-4-5", "mistral-large-3")
    ]
    arms = {"base": {"answers": base}, "tuned": tuned}
    return {"ingested": run.ingested, "synthesis": [], "arms": arms, "judgments": [judgments]}


def report_of(run: PipelineRun, arguments: dict[str, Any]) -> Any:
    manifest = run.run(RenderReportOperator, "report", **arguments)
    return read_json(run.store, manifest["report_json_uri"], dict)


@pytest.mark.usefixtures("distilled")
class TestReport:
    def test_the_report_names_the_teacher_and_the_price_of_the_model(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        report = report_of(run, until_report(run))
        ReportSchema.model_validate(report)
        assert report["missing_parts"] == []
        base, tuned = report["arms"]
        assert (tuned["kind"], tuned["teacher"], tuned["golden_answers"]) == ("distilled", "nova-pro", False)
        assert (tuned["records"], tuned["designed"]) == (120, 120)
        assert "price" not in base
        price = tuned["price"]
        assert price["pairs_usd"] == 0
        billed = {name: usd(report, f"{name} tuned") for name in ("teacher", "training")}
        assert min(billed.values()) > 0
        assert {name: price[f"{name}_usd"] for name in billed} == pytest.approx(billed)
        assert [
            line for line in report["cost"]["lines"] if line["what"].startswith("teacher") and line["estimated_usd"]
        ]
        page = html.unescape(store.read(FOLDER.report("html")).decode())
        text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
        assert "distilled by nova-pro" in text
        assert 'data-label="Pairs of our teacher">–</td>' in page  # the arm is trained on rows only
        assert "It also does not report the tokens of the teacher of a distillation job." in text
        assert "Bedrock asks us.amazon.nova-pro-v1:0 to answer the questions of these rows and pairs." in text

    def test_a_second_run_buys_no_job_and_states_the_same_price(
        self, new_run: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        first = new_run()
        before = report_of(first, until_report(first))
        second = new_run(NEXT_RUN_URI)
        after = report_of(second, until_report(second))
        assert len([name for name in bedrock.bought if "tuned" in name and name in bedrock.jobs]) == 1
        assert after["arms"][1]["price"] == before["arms"][1]["price"]
        assert usd(after, "teacher") == usd(after, "training") == 0

    def test_the_sample_that_the_job_wrote_determines_the_bill(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        arguments = until_report(run)
        before = usd(report_of(run, arguments), "teacher tuned: nova-pro output")
        trained = arguments["arms"]["tuned"]["trained"]
        messages = [("user", "q"), ("assistant", "A much longer answer than the rows have. " * 20)]
        record = {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [{"role": role, "content": [{"text": text}]} for role, text in messages],
        }
        job_id = trained["job_arn"].rpartition("/")[2]
        uri = f"{trained['output_uri']}model-customization-job-{job_id}/synthetic_data/sample.jsonl"
        store.write(uri, json.dumps(record).encode() + b"\n")
        assert usd(report_of(run, arguments), "teacher tuned: nova-pro output") > 5 * before

    @pytest.mark.parametrize("body", [b"{}\n", b"broken", b"\xff\xfe"])
    def test_broken_reports_of_the_job_do_not_cost_the_report(
        self, new_run: Any, store: MemoryStore, body: bytes
    ) -> None:
        run = new_run()
        arguments = until_report(run)
        trained = arguments["arms"]["tuned"]["trained"]
        folder = f"{trained['output_uri']}model-customization-job-{trained['job_arn'].rpartition('/')[2]}"
        for path in ("synthetic_data/sample.jsonl", "input_data_report/manifest.report.csv"):
            store.write(f"{folder}/{path}", body)
        report = report_of(run, arguments)
        assert usd(report, "teacher tuned") > 0
        assert any("sample.jsonl" in note for note in report["missing_parts"])
