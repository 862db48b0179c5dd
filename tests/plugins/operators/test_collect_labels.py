from __future__ import annotations

import html
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.storage import read_json, read_jsonl
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.operators.labeled_run import SHEET, answer, answer_anew


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
