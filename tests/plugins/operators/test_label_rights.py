"""Test that the labeling DAG of one use case never opens a run of another use case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.operators import collect_labels, label_ask
from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from bedrock_distill.operators.label_ask import AskLabelOperator
from bedrock_distill.operators.label_sample import DrawLabelSampleOperator
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.storage import read_jsonl, write_json, write_jsonl
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze

OTHER = RunFolder(f"{FOLDER.root}/runs/manual-1-0badcafe")  # a run of another use case in the same bucket
SECRET = "the salary of the chief"
REFUSED = "has no report, was deleted, or is a run of another use case"
EXAMPLE = {
    "example": "001-ffffff-ffffffff",
    "row_id": "r1",
    "question": SECRET,
    "document": SECRET,
    "answer_a": SECRET,
    "answer_b": SECRET,
    "a": "candidate",
}
SAMPLE = {
    "run_uri": FOLDER.uri,
    "candidate": "tuned",
    "baseline": "base",
    "examples": 1,
    "sheet_uri": FOLDER.label_sample("tuned", "base", "sheet.csv"),
    "key_uri": FOLDER.label_sample("tuned", "base", "key-1.jsonl"),
    "how": "ask in Airflow",
}
ANSWER = {"chosen_options": ["A"], "responded_by_user": {"id": "1", "name": "ada"}, "number": 0}


@pytest.fixture
def shared(store: MemoryStore, use_case: UseCase) -> MemoryStore:
    """A bucket with a run of this use case and a run of another use case, each with a sample."""
    frozen = yaml.safe_dump({**use_case.model_dump(mode="json"), "name": "payroll", "description": SECRET})
    store.write(OTHER.use_case, frozen.encode())
    report = {"use_case": "payroll", "comparisons": [{"candidate": "tuned", "baseline": "base"}], "verdict": SECRET}
    write_json(store, OTHER.report("json"), report)
    for folder in (FOLDER, OTHER):
        write_jsonl(store, folder.label_sample("tuned", "base", "key-1.jsonl"), [EXAMPLE])
    return store


@pytest.fixture
def draw(equip: Any, shared: MemoryStore, use_case: UseCase, tmp_path: Path, context: Any) -> Any:
    (tmp_path / "aws_docs_qa.yaml").write_text(
        yaml.safe_dump(use_case.model_dump(mode="json", exclude={"environment"}))
    )

    def run(**params: Any) -> Any:
        context["params"] = params
        task = DrawLabelSampleOperator(task_id="draw_sample", use_case_name="aws_docs_qa", use_cases=tmp_path)
        return equip(task).execute(context)

    return run


def written(store: MemoryStore) -> dict[str, bytes]:
    return {uri: store.read(uri) for uri in store.list(f"{FOLDER.root}/")}


class TestDraw:
    @pytest.mark.parametrize("how", ["ask in Airflow", "write the sheet only", "read a labelled sheet"])
    def test_a_run_of_another_use_case_is_refused_and_nothing_is_written(
        self, draw: Any, shared: MemoryStore, how: str
    ) -> None:
        before = written(shared)
        with pytest.raises(InputError, match=REFUSED) as refused:
            draw(run_key=OTHER.run_key, how=how, labeller="ada")
        assert written(shared) == before
        assert "payroll" not in str(refused.value)
        assert SECRET not in str(refused.value)

    def test_the_message_does_not_say_whether_a_foreign_run_exists(self, draw: Any) -> None:
        messages = []
        for run_key in (OTHER.run_key, "manual-1-00000000"):
            with pytest.raises(InputError) as refused:
                draw(run_key=run_key)
            messages.append(str(refused.value).replace(run_key, "<run>"))
        assert messages[0] == messages[1]

    def test_an_entry_in_the_list_of_reports_cannot_lead_to_a_run_of_another_use_case(
        self, draw: Any, shared: MemoryStore
    ) -> None:
        write_json(shared, f"{FOLDER.root}/reports/aws_docs_qa/20270101T000000Z-x.json", {"run_key": OTHER.run_key})
        with pytest.raises(InputError, match=REFUSED):
            draw()

    @pytest.mark.parametrize(
        "frozen",
        [
            b"",
            b"- name: aws_docs_qa",
            b"aws_docs_qa",
            b"name: [aws_docs_qa]",
            b"name: AWS_DOCS_QA",
            b"name: aws_docs_qa_2",
            b"a: [",
            b"[" * 100_000,
            b"\xff\xfe\x00",
        ],
    )
    def test_a_run_whose_use_case_cannot_be_told_is_refused(
        self, draw: Any, shared: MemoryStore, frozen: bytes
    ) -> None:
        shared.write(OTHER.use_case, frozen)
        with pytest.raises(InputError, match=REFUSED):
            draw(run_key=OTHER.run_key)

    def test_a_conf_that_names_another_use_case_is_refused(self, draw: Any) -> None:
        with pytest.raises(InputError, match="labels only runs of aws_docs_qa"):
            draw(run_key=OTHER.run_key, use_case="payroll")


class TestLaterTasks:
    """A user who may edit XComs could change the manifest between the tasks."""

    FOREIGN = (
        {"run_uri": OTHER.uri},
        {"key_uri": OTHER.label_sample("tuned", "base", "key-1.jsonl")},
        {"sheet_uri": OTHER.label_sample("tuned", "base", "sheet.csv")},
        {"run_uri": OTHER.uri, "key_uri": OTHER.label_sample("tuned", "base", "key-1.jsonl")},
        {"key_uri": f"{FOLDER.root}/responses/key-1.jsonl"},
        {"candidate": "other"},
    )

    @pytest.fixture
    def ask(self, equip: Any, shared: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(label_ask.HITLOperator, "execute", lambda self, context: (self.subject, self.body))
        context["params"] = {}
        return lambda sample: equip(
            AskLabelOperator(task_id="ask", number=0, sample=sample, use_case_name="aws_docs_qa")
        ).execute(context)

    def test_a_sample_of_this_use_case_is_shown(self, ask: Any, shared: MemoryStore, use_case: UseCase) -> None:
        freeze(shared, use_case)
        assert SECRET in ask(SAMPLE)[1]

    @pytest.mark.parametrize("change", FOREIGN)
    def test_no_question_of_another_use_case_is_shown(
        self, ask: Any, shared: MemoryStore, use_case: UseCase, change: dict[str, str]
    ) -> None:
        freeze(shared, use_case)
        with pytest.raises(InputError, match=f"{REFUSED}|not in the sample") as refused:
            ask({**SAMPLE, **change})
        assert SECRET not in str(refused.value)

    @pytest.mark.parametrize("change", FOREIGN)
    def test_no_label_is_stored_in_another_use_case(
        self, equip: Any, shared: MemoryStore, use_case: UseCase, context: Any, change: dict[str, str]
    ) -> None:
        freeze(shared, use_case)
        context["params"] = {}
        before = written(shared)
        task = CollectLabelsOperator(
            task_id="collect_labels",
            sample={**SAMPLE, **change},
            answered=[ANSWER],
            use_case_name="aws_docs_qa",
        )
        with pytest.raises(InputError, match="no label was stored"):
            equip(task).execute(context)
        assert written(shared) == before


@pytest.mark.parametrize("names", [("李雷", "Анна"), ("Ünal", "nal"), ("ada.l", "ada-l"), ("é", "somebody")])
def test_people_with_similar_names_have_their_own_labels(
    equip: Any, shared: MemoryStore, use_case: UseCase, context: Any, monkeypatch: pytest.MonkeyPatch, names: Any
) -> None:
    freeze(shared, use_case)
    monkeypatch.setattr(
        collect_labels, "relabel_report", lambda *_: {"agreement": [], "labels": {"changed": 0, "unmarked": 0}}
    )
    context["params"] = {}
    answered = [
        {"chosen_options": [choice], "responded_by_user": {"id": name, "name": name}, "number": 0}
        for name, choice in zip(names, "AB", strict=True)
    ]
    task = CollectLabelsOperator(
        task_id="collect_labels", sample=SAMPLE, answered=answered, use_case_name="aws_docs_qa"
    )
    manifest = equip(task).execute(context)
    assert (manifest["labels"], len(manifest["labellers"])) == (2, 2)
    stored = [label for uri in shared.list(FOLDER.labels) for label in read_jsonl(shared, uri, dict)]
    assert sorted(label["verdict"] for label in stored) == ["baseline", "candidate"]
