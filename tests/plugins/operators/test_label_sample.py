from __future__ import annotations

import datetime
import html
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators import label_sample as module
from bedrock_distill.operators.label_sample import (
    AskLabelOperator,
    CollectLabelsOperator,
    DrawLabelSampleOperator,
    ListExamplesOperator,
)
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.storage import read_json, read_jsonl, write_json, write_jsonl
from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.report.build import build_report
from include.distill.report.past_runs import list_entry
from tests.distill.report.example_report import inputs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze, make_row

ROWS = [make_row(number) for number in range(101, 105)]
JUDGES = ("claude-haiku-4-5", "mistral-large-3")
SHEET = f"{FOLDER.root}/uploads/labeled.csv"
HOSTILE = "{{ var.value.secret }} <script>alert(1)</script>\n```\n# You chose A\n=cmd()"


def verdict(row: dict[str, Any], judge: str, order: str) -> dict[str, Any]:
    pair = {"candidate": "tuned", "baseline": "base"}
    return {"row_id": row["row_id"], "judge": judge, **pair, "order": order, "verdict": "candidate", "raw": "A"}


@pytest.fixture
def judged(store: MemoryStore) -> MemoryStore:
    """A run with answers, verdicts and a report."""
    for number, row in enumerate(ROWS):
        for arm in ("base", "tuned"):
            answered = {"row_id": row["row_id"], "arm": arm, "question": row["question"], "answer": f"{HOSTILE} {arm}"}
            write_jsonl(store, FOLDER.answers(arm, number), [answered])
    verdicts = [
        [verdict(row, judge, order) for row in ROWS for order in ("candidate_first", "baseline_first")]
        for judge in JUDGES
    ]
    for judge, judge_verdicts in zip(JUDGES, verdicts, strict=True):
        write_jsonl(store, FOLDER.judgments(judge, "tuned", "base"), judge_verdicts)
    clusters = {row["row_id"]: row["row_id"] for row in ROWS}
    report = build_report(**{**inputs(), "verdicts": verdicts, "clusters": clusters, "disagreements": []})
    finished = datetime.datetime(2026, 11, 22, 3, tzinfo=datetime.UTC)
    report = {
        **report,
        "run_key": FOLDER.run_key,
        "use_case": "aws_docs_qa",
        "dag_id": "distill_aws_docs_qa",
        "run_id": "manual__1",
        "finished_at": finished.isoformat(),
    }
    write_json(store, FOLDER.report("json"), report)
    write_json(store, FOLDER.report_entry("aws_docs_qa", finished), list_entry(report))
    return store


@pytest.fixture
def draw(equip: Any, judged: MemoryStore, use_case: UseCase, tmp_path: Path, context: Any) -> Any:
    (tmp_path / "aws_docs_qa.yaml").write_text(
        yaml.safe_dump(use_case.model_dump(mode="json", exclude={"environment"}))
    )

    def run(**params: Any) -> Any:
        context["params"] = {"examples": 3, **params}
        task = DrawLabelSampleOperator(task_id="draw_sample", use_case_name="aws_docs_qa", use_cases=tmp_path)
        return equip(task).execute(context)

    return run


def answer_anew(store: MemoryStore, *numbers: int) -> None:
    """Replace answers, as a run does if it is cleared after its model or prompt has changed."""
    for number in numbers:
        changed = {
            "row_id": ROWS[number]["row_id"],
            "arm": "tuned",
            "question": ROWS[number]["question"],
            "answer": f"another answer to {number}",
        }
        write_jsonl(store, FOLDER.answers("tuned", number), [changed])


def answer(number: int, choice: str, name: str | None = "Ada") -> dict[str, Any]:
    return {
        "chosen_options": [choice],
        "responded_by_user": {"id": "1", "name": name} if name else None,
        "number": number,
    }


class TestDraw:
    def test_by_default_the_sample_compares_the_arms_in_the_headline_of_the_newest_run(
        self, draw: Any, store: MemoryStore
    ) -> None:
        manifest = draw()
        assert (manifest["run_uri"], manifest["candidate"], manifest["baseline"]) == (FOLDER.uri, "tuned", "base")
        assert manifest["sheet_uri"] == f"{FOLDER.uri}/report/label_sample/tuned--base/sheet.csv"
        assert manifest["examples"] == 3

    def test_the_sheet_does_not_say_which_arm_gave_an_answer(self, draw: Any, store: MemoryStore) -> None:
        sheet = store.read(draw(how="write the sheet only")["sheet_uri"])
        assert b"tuned" not in sheet.replace(escape_formulas(f"{HOSTILE} tuned").encode(), b"")

    def test_drawing_a_smaller_sample_does_not_shorten_the_answer_key_of_a_larger_sample(
        self, draw: Any, store: MemoryStore
    ) -> None:
        larger = draw(examples=4)
        before = read_jsonl(store, larger["key_uri"], dict)
        assert (draw(examples=1)["examples"], len(before)) == (1, 4)
        assert read_jsonl(store, larger["key_uri"], dict) == before

    def test_a_filled_in_sheet_is_not_overwritten(self, draw: Any, store: MemoryStore) -> None:
        uri = draw(how="write the sheet only")["sheet_uri"]
        filled_in = store.read(uri).replace(b",\r\n", b",B\r\n")
        store.write(uri, filled_in)
        for how in ("write the sheet only", "ask in Airflow"):
            draw(how=how)
        assert store.read(uri) == filled_in
        assert b",B\r\n" in filled_in

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            pytest.param({"run_key": "no-such-run"}, "no-such-run of aws_docs_qa has no report", id="run"),
            pytest.param({"candidate": "few", "baseline": "base"}, "its comparisons: tuned with base", id="pair"),
            pytest.param({"hours": 0}, "hours", id="form"),
        ],
    )
    def test_a_sample_that_cannot_be_drawn_is_an_error_with_the_reason(
        self, draw: Any, params: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(InputError, match=reason):
            draw(**params)

    def test_a_use_case_without_a_report_has_nothing_to_label(self, draw: Any, store: MemoryStore) -> None:
        for uri in store.list(f"{FOLDER.root}/reports/"):
            store.delete(uri)
        with pytest.raises(InputError, match="no run with a report") as raised:
            draw()
        assert raised.value.to_do == (
            "Trigger distill_aws_docs_qa and wait until its task report has succeeded. Then clear draw_sample with"
            " downstream. The form can stay as it is."
        )

    def test_a_run_without_comparisons_has_nothing_to_label(self, draw: Any, store: MemoryStore) -> None:
        report = read_json(store, FOLDER.report("json"), dict)
        write_json(store, FOLDER.report("json"), {**report, "comparisons": []})
        with pytest.raises(InputError, match=r"(?s)compared no arms.* 'Run' \(run_key\)"):
            draw()

    @pytest.mark.parametrize(("how", "asked"), [("ask in Airflow", [0, 1, 2]), ("write the sheet only", [])])
    def test_airflow_asks_people_only_if_the_form_says_so(
        self, draw: Any, context: Any, how: str, asked: list[int]
    ) -> None:
        assert ListExamplesOperator(task_id="examples", sample=draw(how=how)).execute(context) == asked


class TestAsk:
    @pytest.fixture
    def ask(self, equip: Any, draw: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(module.HITLOperator, "execute", lambda self, context: (self.subject, self.body))
        return equip(AskLabelOperator(task_id="ask", number=1, sample=draw(hours=2), use_case_name="aws_docs_qa"))

    def test_a_question_that_is_not_answered_in_time_gets_the_choice_no_answer(self, ask: Any, context: Any) -> None:
        subject, _ = ask.execute(context)
        assert subject == "Example 2 of 3: which answer is better?"
        assert (ask.defaults, ask.options) == (["No answer"], ["A", "B", "Tie", "No answer"])
        assert ask.response_timeout == datetime.timedelta(hours=2)

    def test_the_text_of_a_model_is_never_a_template_and_contains_no_markup(self, ask: Any, context: Any) -> None:
        _, body = ask.execute(context)
        assert not {"subject", "body"} & set(AskLabelOperator.template_fields)
        assert "<script" not in body
        model_lines = [line for line in body.splitlines() if "script" in line or "chose" in line or "cmd" in line]
        assert len(model_lines) == 6
        assert not any(re.search(r"(?<!\\)[<{`*_#>]", line) for line in model_lines)


class TestCollect:
    @pytest.fixture
    def collect(self, equip: Any, context: Any) -> Any:
        def run(sample: Any, answered: Any = ()) -> Any:
            task = CollectLabelsOperator(
                task_id="collect_labels", sample=sample, answered=answered, use_case_name="aws_docs_qa"
            )
            return equip(task).execute(context)

        return run

    def test_answers_are_stored_by_person_and_added_to_the_report(
        self, draw: Any, collect: Any, store: MemoryStore
    ) -> None:
        manifest = collect(draw(), [answer(0, "A"), answer(2, "Tie", "Bob B."), answer(1, "No answer", None)])
        assert (manifest["labels"], manifest["no_answer"], manifest["labellers"]) == (
            2,
            1,
            ["ada", "bob-b-4483acf066ca"],
        )
        assert len(read_jsonl(store, FOLDER.labels_by("ada"), dict)) == 1
        report = read_json(store, FOLDER.report("json"), dict)
        raters = {(line["first"], line["second"]) for line in report["agreement"]}
        assert ("claude-haiku-4-5", "ada (person)") in raters
        assert ("ada (person)", "bob-b-4483acf066ca (person)") in raters
        assert b"ada (person)" in store.read(FOLDER.report("html"))

    def test_the_agreement_of_two_people_on_the_same_examples_is_measured(
        self, draw: Any, collect: Any, store: MemoryStore
    ) -> None:
        for name, choices in (("Ada", "AB"), ("Bob", "AA")):
            collect(draw(), [answer(number, choice, name) for number, choice in enumerate(choices)])
        report = read_json(store, FOLDER.report("json"), dict)
        (line,) = [line for line in report["agreement"] if (line["first"], line["second"])[0] == "ada (person)"]
        assert (line["n"], line["observed"]) == (2, 0.5)

    def test_a_labeled_sheet_is_read(self, draw: Any, collect: Any, store: MemoryStore) -> None:
        uri = draw(how="write the sheet only", examples=4)["sheet_uri"]
        store.write(uri, store.read(uri).replace(b",\r\n", b",B\r\n"))
        for where in (SHEET, None):  # the sheet in a new place, or where the DAG wrote it
            store.write(SHEET, store.read(uri))
            manifest = collect(draw(how="read a labelled sheet", labelled_csv=where, labeller="cleo", examples=1))
            assert (manifest["labellers"], manifest["labels"], manifest["no_answer"]) == (["cleo"], 4, 0)

    def test_a_sheet_without_a_label_is_refused(self, draw: Any, collect: Any) -> None:
        draw(how="write the sheet only")
        with pytest.raises(InputError, match=r"sheet\.csv has no label .* is empty"):
            collect(draw(how="read a labelled sheet", labeller="cleo"))

    def test_a_sheet_that_cannot_be_used_stores_nothing(self, draw: Any, collect: Any, store: MemoryStore) -> None:
        uri = SHEET
        sample = draw(how="read a labelled sheet", labelled_csv=uri, labeller="cleo")
        store.write(uri, b"example,label\n001-ffffff-ffffffff,A\n")
        with pytest.raises(InputError, match=r"labeled\.csv line 2, column example"):
            collect(sample)
        assert store.list(FOLDER.labels) == []

    @pytest.mark.parametrize("uri", ["s3://other-team/labeled.csv", f"{FOLDER.root}/runs/other-run/labeled.csv"])
    def test_a_sheet_outside_the_allowed_prefixes_is_not_read(
        self, draw: Any, collect: Any, store: MemoryStore, uri: str
    ) -> None:
        store.write(uri, b"secret,label\n1,A\n")
        sample = draw(how="read a labelled sheet", labeller="cleo")
        with pytest.raises(InputError, match="may not be read"):
            draw(how="read a labelled sheet", labelled_csv=uri, labeller="cleo")
        with pytest.raises(InputError, match="may not be read") as raised:
            collect(sample)  # with the same values in the form
        assert "secret" not in str(raised.value)
        assert store.list(FOLDER.labels) == []

    def test_the_trigger_form_of_a_run_allows_no_folder_for_sheets(
        self, draw: Any, collect: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        uri = "s3://other-team/labeled.csv"
        sample = draw(how="read a labelled sheet", labeller="cleo")
        source = {**use_case.model_dump(mode="json")["source"], "training_csv": "s3://other-team/2026/train.csv"}
        freeze(store, use_case, source={**source, "allowed_prefixes": ["s3://other-team/"]})
        with pytest.raises(InputError, match="may not be read"):
            draw(how="read a labelled sheet", labelled_csv=uri, labeller="cleo")
        with pytest.raises(InputError, match="may not be read"):
            collect(sample)

    def test_labels_of_answers_that_changed_during_labeling_do_not_count(
        self, draw: Any, collect: Any, store: MemoryStore
    ) -> None:
        sample = draw(examples=4)
        answer_anew(store, 0)
        draw(examples=4)  # another person's draw does not change the key of the first sample
        manifest = collect(sample, [answer(number, "A") for number in range(4)])
        report = read_json(store, FOLDER.report("json"), dict)
        assert (manifest["labels"], report["labels"]) == (4, {"counted": 3, "changed": 1, "unmarked": 0})
        assert {line["n"] for line in report["agreement"] if line["second"] == "ada (person)"} == {3}
        assert "<b>1</b> label does not count" in html.unescape(store.read(FOLDER.report("html")).decode())

    def test_labels_of_a_sheet_whose_answers_have_changed_are_left_out_and_counted(
        self, draw: Any, collect: Any, store: MemoryStore
    ) -> None:
        uri = draw(how="write the sheet only", examples=4)["sheet_uri"]
        store.write(uri, store.read(uri).replace(b",\r\n", b",B\r\n"))
        answer_anew(store, 0)
        manifest = collect(draw(how="read a labelled sheet", labeller="cleo"))
        assert (manifest["labels"], manifest["outdated"]) == (3, 1)
        answer_anew(store, 1, 2, 3)
        with pytest.raises(InputError, match="4 labels are for answers that have changed"):
            collect(draw(how="read a labelled sheet", labeller="cleo"))

    def test_without_labels_to_read_the_collection_is_skipped(self, draw: Any, collect: Any) -> None:
        with pytest.raises(AirflowSkipException, match=r"sheet\.csv"):
            collect(draw(how="write the sheet only"))
