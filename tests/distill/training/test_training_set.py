from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from include.distill.config.arms import Arm
from include.distill.config.catalog import Family, load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import LimitError
from include.distill.core.storage import write_jsonl
from include.distill.dataset.records import RowTexts
from include.distill.dataset.splits import split_by_document
from include.distill.inference.student import Student
from include.distill.text.token_count import central_token_count
from include.distill.training.limits import family_for_arm
from include.distill.training.training_set import (
    TRAIN,
    VALIDATION,
    TrainingSet,
    job_fault,
    write_training_set,
)
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.memory_store import MemoryStore
from tools.aws_simulator.models.delimiters import section

CATALOG = load_catalog()
NOVA = CATALOG.model("nova-micro")
NOVA_FAMILY = CATALOG.family_of(NOVA)
PROMPT = load_prompt("answering.j2")
FOLDER = RunFolder("s3://bucket/distill/runs/run-1")
ROWS = [make_row(number) for number in range(1, 41)]
ALL = Arm(name="tuned")


def pairs_of(rows: list[dict[str, Any]], each: int = 2) -> list[dict[str, Any]]:
    return [
        {**row, "pair": number, "question": f"{row['question']} ({number})", "topic": "t"}
        for row in rows
        for number in range(each)
    ]


@dataclass(frozen=True)
class Built:
    """A training set and the bytes of its files."""

    written: TrainingSet
    train: bytes
    validation: bytes | None

    @property
    def counts(self) -> dict[str, int]:
        return self.written.counts


def built(
    arm: Arm = ALL,
    rows: list[dict[str, Any]] = ROWS,
    use_case: UseCase | None = None,
    pairs: list[dict[str, Any]] | None = None,
    family: Family = NOVA_FAMILY,
) -> Built:
    store = MemoryStore()
    write_jsonl(store, FOLDER.source("train"), rows)
    write_jsonl(store, FOLDER.synthetic(0), pairs_of(rows) if pairs is None else pairs)
    write_jsonl(store, FOLDER.synthetic_repeated, [])
    written = write_training_set(
        arm,
        store=store,
        folder=FOLDER,
        shards=1,
        use_case=use_case or make_use_case(),
        prompt=PROMPT,
        family=family_for_arm(arm, family),
    )
    train, validation = (store.objects.get(FOLDER.merged(arm.name, name)) for name in (TRAIN, VALIDATION))
    assert train is not None
    assert written.sha256 == hashlib.sha256(b"\0".join(body for body in (train, validation) if body)).hexdigest()
    return Built(written, train, validation)


def documents(body: bytes | None) -> list[str | None]:
    records = [json.loads(line) for line in (body or b"").decode().splitlines()]
    return [section(record["messages"][0]["content"][0]["text"], "document") for record in records]


class TestMix:
    @pytest.mark.parametrize(
        ("originals", "synthetic", "expected"),
        [
            pytest.param("all", "all", (40, 80), id="everything"),
            pytest.param("all", 0, (40, 0), id="originals only"),
            pytest.param(0, "all", (0, 80), id="synthetic only"),
            pytest.param(10, 15, (10, 15), id="some of both"),
            pytest.param(10, "all", (10, 20), id="some, and all pairs of their rows"),
            pytest.param(10, 30, (10, 20), id="more pairs than the rows have"),
            pytest.param(0, 30, (0, 30), id="pairs of any row"),
            pytest.param(10_000, 10_000, (40, 80), id="more than there are"),
        ],
    )
    def test_an_arm_is_trained_on_the_stated_numbers_of_originals_and_pairs(
        self, originals: Any, synthetic: Any, expected: tuple[int, int]
    ) -> None:
        made = built(Arm(name="mix", originals=originals, synthetic=synthetic))
        assert (made.counts["originals"], made.counts["synthetic"]) == expected
        assert made.counts["records"] == sum(expected) == len(documents(made.train))
        assert made.validation is None
        assert made.counts["validation"] == 0

    def test_the_figures_count_every_record_of_the_training_file(self) -> None:
        figures = built().written.figures
        sums = {name: sum(bin_["count"] for bin_ in bins) for name, bins in figures["distributions"].items()}
        assert sums == {
            "question_characters_originals": 40,
            "answer_characters_originals": 40,
            "question_characters_synthetic": 80,
            "answer_characters_synthetic": 80,
        }
        assert figures["topic_words"] == [{"word": "t", "pairs": 80}]
        assert len(figures["to_read"]) == 10
        assert built(pairs=pairs_of(ROWS)[::-1]).written.figures["to_read"] == figures["to_read"]

    def test_equal_rows_give_equal_bytes(self) -> None:
        assert built() == built()

    def test_too_few_records_are_refused_before_anything_is_bought(self) -> None:
        with pytest.raises(LimitError, match="7 training records; at least 8 are required"):
            built(Arm(name="few", originals=7, synthetic=0))


class TestValidation:
    HALF = make_use_case(training={"validation_share": 0.5})

    def test_held_out_documents_are_not_used_for_training(self) -> None:
        shared = [make_row(number, document=f"Document {number % 20}.") for number in range(40)]
        made = built(rows=shared, use_case=self.HALF)
        training, held_out = set(documents(made.train)), set(documents(made.validation))
        assert training.isdisjoint(held_out)
        assert len(training | held_out) == 20
        assert made.counts["originals"] + made.counts["validation"] == 40
        assert made.counts["synthetic"] == 2 * made.counts["originals"]
        assert made.counts["validation"] == len(documents(made.validation)) > 0

    def test_every_arm_is_validated_on_the_same_rows(self) -> None:
        few = Arm(name="few", originals=8, synthetic=0)
        assert built(few, use_case=self.HALF).validation == built(use_case=self.HALF).validation

    def test_documents_are_held_out_after_the_evaluation_split_took_its_share(self) -> None:
        train, _ = split_by_document(ROWS, share=0.5, seed=self.HALF.seed, purpose="evaluation")
        assert built(rows=train, use_case=self.HALF).counts["validation"] >= len(train) // 4

    def test_a_held_out_record_that_breaks_a_limit_is_refused(self) -> None:
        _, held_out = split_by_document(ROWS, share=0.5, seed=self.HALF.seed, purpose="validation")
        # A changed document could change the side of the row, so this test makes the answer too long instead.
        rows = [{**row, "answer": "a" * 100_000} if row is held_out[0] else row for row in ROWS]
        with pytest.raises(LimitError, match=r"\n- rows\.csv row \d+ \(line \d+\), record 1, record: about 50,"):
            built(rows=rows, use_case=self.HALF)


class TestText:
    def test_the_student_is_trained_on_the_text_with_which_it_is_called(self) -> None:
        rows = [make_row(number, document=f"System: {number} </document>", question="[EOS]?") for number in range(10)]
        use_case = make_use_case(prompts={"instruction": "Answer as Bot: would."})
        family = CATALOG.family_of(NOVA)
        made = built(rows=rows, use_case=use_case, pairs=[])
        student = Student(NOVA, family, "arn", "arn", PROMPT, use_case.prompts.instruction, use_case.answering)
        asked = student.request(rows[0])
        trained = json.loads(made.train.splitlines()[0])
        assert trained["messages"][0]["content"][0]["text"] == asked.user
        assert trained["system"] == [{"text": asked.system}]
        assert not any(reserved in asked.user + asked.system for reserved in family.reserved_strings)

    def test_answers_in_training_records_are_not_changed(self) -> None:
        answer = "User: [EOS] </answer> é\n\u2028"
        keeping = make_use_case(training={"reserved_in_answers": "warn"})
        made = built(rows=[make_row(number, answer=answer) for number in range(10)], use_case=keeping)
        records = [json.loads(line) for line in made.train.split(b"\n") if line]
        assert {record["messages"][1]["content"][0]["text"] for record in records} == {answer}


class TestJobFault:
    FAMILY = CATALOG.family_of(NOVA)

    def fault(self, **texts: str) -> str | None:
        pair: RowTexts = {"document": "d", "question": "q", "answer": "a", **texts}  # type: ignore[typeddict-item]
        return job_fault(pair, use_case=make_use_case(), prompt=PROMPT, family=self.FAMILY)

    def test_a_pair_within_the_limits_has_no_fault(self) -> None:
        assert self.fault() is None

    def test_reserved_strings_are_escaped_and_are_not_a_fault(self) -> None:
        assert self.fault(question="User: why?", document="System: because.") is None

    def test_a_reserved_string_in_the_answer_is_a_fault_unless_the_use_case_keeps_it(self) -> None:
        fault = self.fault(answer="USER: admin")
        assert fault is not None
        assert "assistant: contains 'USER:', which may make a job fail" in fault
        pair: RowTexts = {"document": "d", "question": "q", "answer": "user: admin"}
        keeping = make_use_case(training={"reserved_in_answers": "warn"})
        assert job_fault(pair, use_case=keeping, prompt=PROMPT, family=self.FAMILY) is None

    def test_a_fault_names_every_problem_with_its_field(self) -> None:
        fault = self.fault(document="x" * 100_000, answer=" ")
        assert fault is not None
        assert fault.startswith("assistant: empty; expected text; record: about 50,")


class TestPrompts:
    """The prompts of a distillation job."""

    MANAGED = Arm(name="managed", kind="distilled", teacher="nova-pro")
    GOLDEN = Arm(name="managed", kind="distilled", teacher="nova-pro", synthetic=70, golden_answers="ours")
    ROWS: ClassVar = [make_row(number) for number in range(1, 151)]

    @staticmethod
    def records(body: bytes) -> list[dict[str, Any]]:
        return [json.loads(line) for line in body.decode().splitlines()]

    @pytest.mark.parametrize("student", ["nova-micro", "llama-3-1-8b"])
    def test_a_prompt_has_the_texts_of_a_request_to_the_student(self, student: str) -> None:
        use_case = make_use_case(student=student)
        result = built(self.MANAGED, self.ROWS, use_case, family=CATALOG.family_of(CATALOG.model(student)))
        request = Student.from_use_case(use_case, {"answering.j2": PROMPT}).request(self.ROWS[0])  # type: ignore[arg-type]
        record = self.records(result.train)[0]
        assert record["messages"] == [{"role": "user", "content": [{"text": request.user}]}]
        assert record.get("system", [{"text": ""}]) == [{"text": request.system}]
        assert record["schemaVersion"] == "bedrock-conversation-2024"

    def test_our_answers_are_sent_only_if_the_arm_asks_for_it(self) -> None:
        records = self.records(built(self.GOLDEN, self.ROWS).train)
        assert len(records) == 150 + 70
        assert [message["role"] for record in records for message in record["messages"]] == ["user", "assistant"] * 220
        assert records[0]["messages"][1]["content"] == [{"text": self.ROWS[0]["answer"]}]
        assert built(self.GOLDEN, self.ROWS).written.sha256 != built(self.MANAGED, self.ROWS).written.sha256

    def test_no_validation_file_is_written_and_held_out_rows_are_not_prompts(self) -> None:
        use_case = make_use_case(training={"validation_share": 0.2})
        result = built(self.MANAGED, self.ROWS, use_case)
        training, held_out = split_by_document(self.ROWS, share=0.2, seed=use_case.seed, purpose="validation")
        assert held_out
        assert result.validation is None
        assert result.counts == {"originals": len(training), "synthetic": 0, "records": len(training), "validation": 0}

    def test_the_tokens_of_an_epoch_contain_the_answers_of_the_teacher(self) -> None:
        answers = sum(central_token_count(row["answer"]) for row in self.ROWS)
        plain = built(self.MANAGED, self.ROWS).written
        assert plain.teacher_tokens is not None
        assert plain.teacher_tokens["output_tokens"] == answers
        assert plain.tokens == plain.teacher_tokens["input_tokens"] + answers
        assert built(ALL, self.ROWS).written.teacher_tokens is None

    @pytest.mark.parametrize(("rows", "text"), [(99, "99 prompts; at least 100"), (0, "0 prompts")])
    def test_too_few_prompts_are_refused(self, rows: int, text: str) -> None:
        with pytest.raises(LimitError, match=text):
            built(self.MANAGED, self.ROWS[:rows])
