from __future__ import annotations

import copy
import html
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import FAILED_TASK, InputError
from include.distill.core.storage import read_json, read_jsonl
from include.distill.labeling.label_params import ASK_WORKERS
from include.distill.labeling.labeler_names import worker_labeler_name
from include.distill.labeling.records import LabelExample
from include.distill.managed_evaluation.worker_jobs import dataset_line
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.labeled_run import SHEET, answer, answer_anew
from tests.plugins.workers_run import FLOW
from tests.plugins.workers_run import answer as worker_answer


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


class TestCollectOfWorkers:
    """The chain of all tasks is tested in test_ask_workers.py."""

    RESULT: ClassVar[dict[str, str]] = {
        "job_name": "job",
        "job_arn": "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abc",
        "arm": "labels",
        "evaluator": "workers",
        "status": "Completed",
        "output_uri": "s3://bedrock-distill-output/distill/evaluations/0123/",
    }
    FILE = "s3://bedrock-distill-output/distill/evaluations/0123/job/abc/datasets/questions/f_output.jsonl"

    @pytest.fixture
    def collect(self, equip: Any, context: Any, draw: Any, use_case: UseCase, tmp_path: Path) -> Any:
        human = {"evaluations": {"human": {"flow_definition_arn": FLOW}}}
        raw = {**use_case.model_dump(mode="json", exclude={"environment"}), **human}
        sample = draw(examples=3)
        (tmp_path / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw))
        context["params"] = {"how": ASK_WORKERS, "examples": 3}

        def run(worked: Any) -> Any:
            task = CollectLabelsOperator(
                task_id="collect_labels",
                sample={**sample, "how": ASK_WORKERS},
                answered=[],
                worked=worked,
                use_case_name="aws_docs_qa",
                use_cases=tmp_path,
            )
            return equip(task).execute(context)

        return run

    @pytest.fixture
    def lines(self, store: MemoryStore, collect: Any) -> list[Any]:
        """The output in which each of two workers answered two examples."""
        [uri] = [uri for uri in store.list(f"{FOLDER.uri}/report/label_sample/") if "key-" in uri]
        examples = read_jsonl(store, uri, LabelExample)[:2]
        answers = [worker_answer({"record": 0}, worker, "0") for worker in ("0F3A", "9b1c")]
        given = [{**one, "answerContent": {"evaluationResults": one["evaluationResults"]}} for one in answers]
        result = {"humanAnswers": given, "modelResponseIdMap": {"0": "answer-a", "1": "answer-b"}}
        return [
            {"humanEvaluationResult": [copy.deepcopy(result)], "inputRecord": dataset_line(one)} for one in examples
        ]

    def test_missing_and_invalid_answers_are_counted_and_the_others_become_labels(
        self, collect: Any, store: MemoryStore, lines: list[Any]
    ) -> None:
        del lines[1]["humanEvaluationResult"][0]["humanAnswers"][0]["workerId"]
        store.write(self.FILE, "\n".join(map(json.dumps, lines)).encode())
        manifest = collect(self.RESULT)
        # 3 examples and 2 workers: 3 usable answers, 1 invalid answer, 2 that were not given
        assert (manifest["labels"], manifest["invalid"], manifest["missing"], manifest["no_answer"]) == (3, 1, 2, 1)
        assert manifest["labellers"] == [worker_labeler_name("0F3A"), "worker-9b1c"]

    def test_labels_on_answers_that_changed_while_workers_answered_do_not_count(
        self, collect: Any, store: MemoryStore, lines: list[Any]
    ) -> None:
        store.write(self.FILE, "\n".join(map(json.dumps, lines)).encode())
        answer_anew(store, 0, 1, 2, 3)
        collect(self.RESULT)
        assert read_json(store, FOLDER.report("json"), dict)["labels"] == {"counted": 0, "changed": 4, "unmarked": 0}

    def test_an_output_without_a_usable_answer_stores_nothing(self, collect: Any, store: MemoryStore) -> None:
        store.write(self.FILE, b"{}")
        with pytest.raises(InputError, match="has no answer of a worker that can be used") as refused:
            collect(self.RESULT)
        assert refused.value.then_clear == FAILED_TASK
        assert store.list(FOLDER.labels) == []

    @pytest.mark.parametrize(
        "worked",
        [
            None,
            {**RESULT, "output_uri": "s3://other-bucket/evaluations/0123/"},
            {**RESULT, "output_uri": "s3://bedrock-distill-output/other/evaluations/0123/"},
            {**RESULT, "output_uri": "s3://bedrock-distill-output/distill/evaluations/../../other/"},
        ],
    )
    def test_a_result_that_is_missing_or_was_edited_is_refused(self, collect: Any, worked: Any) -> None:
        with pytest.raises(InputError, match="has no result with an output of this use case") as refused:
            collect(worked)
        assert "Clear workers.submit with downstream" in refused.value.to_do
