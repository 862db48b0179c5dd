"""Break each part of a report that the verdict does not need. The paid run has a report all the same."""

from __future__ import annotations

import html
from typing import Any

import pytest

from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ServiceError
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import save_champion_snapshot
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze, make_champion
from tests.plugins.operators import test_report

new_run = test_report.new_run


def break_objects(store: MemoryStore, part: str, body: bytes | None) -> None:
    """Delete the objects whose URIs contain ``part``, or replace them with ``body``."""
    for uri in [uri for uri in store.objects if part in uri]:
        store.delete(uri)
        if body is not None:
            store.write(uri, body)


PARTS = {
    "losses": ("step_wise_training_metrics.csv", "loss"),
    "data card": ("merged/tuned/data_card.json", "the data card of tuned"),
    "estimate": ("/estimate.json", "the estimate"),
    "rejected rows": ("source/rejected.jsonl", "the list of rejected rows"),
    "answers": ("answers/tuned/", "the answers of tuned"),
    "training rows": ("source/train.jsonl", "the search for evaluation questions"),
    "pairs": ("synthetic/", "the sample of pairs"),
    "release records": ("serving/tuned/released", "the price of the endpoint"),
    "champion": ("champion.json", "the name of the champion"),
}


class TestOptionalParts:
    @pytest.mark.parametrize("body", [None, b"\xff\xfe\x00{", b"[1, 2]\n", b"{}\n", b""])
    @pytest.mark.parametrize("part", PARTS)
    def test_a_broken_part_does_not_cost_the_report(
        self, new_run: Any, store: MemoryStore, part: str, body: bytes | None
    ) -> None:
        run = new_run()
        arguments = run.until_report()
        intact = read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
        name, words = PARTS[part]
        break_objects(store, name, body)
        manifest = run.run(RenderReportOperator, "report", **arguments)
        report = read_json(store, manifest["report_json_uri"], dict)
        assert (report["verdict"], report["comparisons"]) == (intact["verdict"], intact["comparisons"])
        assert intact["missing_parts"] == []
        may_be_empty = {"rejected rows", "pairs", "training rows", "answers", "release records"}
        if not (body == b"" and part in may_be_empty) and not (body is None and part == "release records"):
            assert [note for note in report["missing_parts"] if words in note], report["missing_parts"]
        page = store.read(manifest["report_html_uri"]).decode()
        assert all(note.split(":")[0] in html.unescape(page) for note in report["missing_parts"])

    def test_labels_that_a_person_broke_do_not_cost_the_report(self, new_run: Any, store: MemoryStore) -> None:
        run = new_run()
        arguments = run.until_report()
        for body in (b"{broken\n", b'{"answers": "x"}\n', b"[]\n", b"\xff"):
            store.write(FOLDER.labels_by("ada"), body)
            manifest = run.run(RenderReportOperator, "report", **arguments)
            report = read_json(store, manifest["report_json_uri"], dict)
            assert "the labels from people" in report["missing_parts"][0]
            assert report["labels"]["counted"] == 0

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            ("include.distill.report.bill.bill", "the bill"),
            ("bedrock_distill.operators.report_reader.disagreement_rows", "the disagreements"),
            ("include.distill.report.run_summary.describe_settings", "the settings"),
            ("include.distill.report.batch_notes.batch_answer_note", "the settings"),
            ("include.distill.report.html.render_html", None),
            ("include.distill.report.past_runs.list_entry", None),
        ],
    )
    def test_an_error_in_the_code_of_a_part_does_not_cost_the_report(
        self, new_run: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, target: str, words: str | None
    ) -> None:
        run = new_run()
        arguments = run.until_report()

        def fail(*_: Any, **__: Any) -> Any:
            raise RuntimeError(target)

        monkeypatch.setattr(target, fail)
        manifest = run.run(RenderReportOperator, "report", **arguments)
        report = read_json(store, manifest["report_json_uri"], dict)
        assert store.exists(manifest["report_html_uri"])
        assert report["verdict"] == manifest["verdict"]
        if words:
            assert words in " ".join(report["missing_parts"])

    def test_an_endpoint_whose_state_is_unknown_is_reported_as_billed(
        self, new_run: Any, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = new_run()
        arguments = run.until_report()

        def fail(*_: Any, **__: Any) -> Any:
            raise ServiceError("no access")

        for method in ("find_throughput", "tags"):
            monkeypatch.setattr(bedrock, method, fail)
        report = read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
        assert report["arms"][1]["released"] is False
        assert len([note for note in report["missing_parts"] if "ServiceError" in note]) == 2
        assert not any("no access" in note for note in report["missing_parts"])  # AWS's message is only in the log

    @pytest.mark.parametrize(("exists", "known"), [(True, True), (False, True), (True, False)])
    def test_a_deployment_is_released_once_it_is_gone_and_costs_nothing_by_the_hour(
        self, new_run: Any, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: Any, exists: bool, known: bool
    ) -> None:
        run = new_run()
        arguments = run.until_report()
        deployed = {**arguments["arms"]["tuned"]["provisioned"], "throughput_name": None, "throughput_arn": None}
        del deployed["usd_per_hour"]
        deployed["deployment_arn"] = "arn:deployment/one"
        arguments["arms"]["tuned"] = {**arguments["arms"]["tuned"], "provisioned": deployed}
        if exists:
            bedrock.put_deployment("one", "Active")
        if not known:
            monkeypatch.setattr(bedrock, "find_deployment", lambda _: 1 / 0)
        report = read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
        arm = report["arms"][1]
        assert (arm["serving"], arm["released"]) == ("arn:deployment/one", not exists)
        assert "hourly_usd" not in report["cost"]
        assert any("the state of the deployment of tuned" in note for note in report["missing_parts"]) is not known

    @pytest.mark.parametrize("folder", ["", "validation/", "validation/run_1/"])
    def test_validation_losses_are_read_from_every_path_that_bedrock_has_used(
        self, new_run: Any, store: MemoryStore, use_case: UseCase, folder: str
    ) -> None:
        freeze(store, use_case, training={"validation_share": 0.1})
        run = new_run()
        arguments = run.until_report()
        (trained,) = [uri for uri in store.objects if uri.endswith("step_wise_training_metrics.csv")]
        job = trained.partition("training_artifacts")[0]
        uri = f"{job}validation_artifacts/post_fine_tuning_validation/{folder}validation_metrics.csv"
        store.write(uri, b"step_number,epoch_number,validation_loss\n0,0,0.9\n1,1,0.7\n")
        report = read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
        assert [point["loss"] for point in report["validation_curves"]["tuned"]] == [0.9, 0.7]
        assert [point["loss"] for point in report["loss_curves"]["tuned"]] == [1.5, 0.5]
        assert report["missing_parts"] == []

    def test_a_run_without_a_validation_file_misses_no_validation_losses(self, new_run: Any) -> None:
        _, report = new_run().report()
        assert (report["validation_curves"], report["missing_parts"]) == ({}, [])


def test_the_report_names_who_approved_the_spending_and_the_champion(new_run: Any, store: MemoryStore) -> None:
    run = new_run()
    arguments = run.until_report()
    record = {
        "asked": "h", "estimated_usd": 62.1, "to_pay_usd": 60.0, "usd_per_hour": 60.5, "decision": "approved",
        "user_id": "1", "user_name": "Ada", "answered_at": "2026-11-27T02:00:00+00:00",
    }  # fmt: skip
    write_json(store, FOLDER.spending_approval, record)
    save_champion_snapshot(store, FOLDER, make_champion(approved_by="Bob"))
    report = read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
    assert [(entry["what"], entry["user_name"]) for entry in report["approvals"]] == [
        ("spending", "Ada"),
        ("promotion", "Bob"),
    ]
