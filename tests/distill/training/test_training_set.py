from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.errors import LimitError
from include.distill.core.storage import write_jsonl
from include.distill.cost.prices import load_prices
from include.distill.dataset.splits import split_by_document
from include.distill.inference.student import Student
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.training.data_card import data_card, licence_note
from include.distill.training.training_set import (
    TRAIN,
    VALIDATION,
    TrainingSet,
    write_training_set,
)
from tests.distill.conftest import make_row, make_use_case
from tests.distill.report.example_report import inputs
from tests.fakes.memory_store import MemoryStore
from tools.aws_simulator.models.delimiters import section

CATALOG = load_catalog()
NOVA, CLAUDE, LLAMA = (CATALOG.model(key) for key in ("nova-micro", "claude-sonnet-4-6", "llama-3-1-8b"))
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
        family=CATALOG.family_of(NOVA),
    )
    train, validation = (store.objects.get(FOLDER.merged(arm.name, name)) for name in (TRAIN, VALIDATION))
    assert train is not None
    assert written.sha256 == hashlib.sha256(b"\0".join(body for body in (train, validation) if body)).hexdigest()
    return Built(written, train, validation)


def documents(body: bytes | None) -> list[str | None]:
    records = [json.loads(line) for line in (body or b"").decode().splitlines()]
    return [section(record["messages"][0]["content"][0]["text"], "document") for record in records]


PRICE = load_prices().training_line("tuned", "nova-micro", 1_000).as_record()


class TestMix:
    @pytest.mark.parametrize(
        ("originals", "synthetic", "expected"),
        [
            pytest.param("all", "all", (40, 80), id="everything"),
            pytest.param("all", 0, (40, 0), id="originals only"),
            pytest.param(0, "all", (0, 80), id="synthetic only"),
            pytest.param(10, 15, (10, 15), id="some of both"),
            pytest.param(10, "all", (10, 20), id="some, and all pairs of their rows"),
            pytest.param(10, 30, (10, 20), id="more pairs than those rows have"),
            pytest.param(0, 30, (0, 30), id="pairs of any row"),
            pytest.param(10_000, 10_000, (40, 80), id="more than there are"),
        ],
    )
    def test_an_arm_takes_what_it_states(self, originals: Any, synthetic: Any, expected: tuple[int, int]) -> None:
        made = built(Arm(name="mix", originals=originals, synthetic=synthetic))
        assert (made.counts["originals"], made.counts["synthetic"]) == expected
        assert made.counts["records"] == sum(expected) == len(documents(made.train))
        assert made.validation is None
        assert made.counts["validation"] == 0

    def test_the_same_rows_are_the_same_bytes(self) -> None:
        assert built() == built()

    def test_too_few_records_are_refused_before_anything_is_bought(self) -> None:
        with pytest.raises(LimitError, match="7 training records; expected 8 or more"):
            built(Arm(name="few", originals=7, synthetic=0))


class TestValidation:
    HALF = make_use_case(training={"validation_share": 0.5})

    def test_documents_held_out_give_nothing_to_training(self) -> None:
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

    def test_it_holds_out_documents_though_the_evaluation_split_took_its_share_before(self) -> None:
        train, _ = split_by_document(ROWS, share=0.5, seed=self.HALF.seed, purpose="evaluation")
        assert built(rows=train, use_case=self.HALF).counts["validation"] >= len(train) // 4

    def test_a_held_out_record_that_breaks_a_limit_is_refused_too(self) -> None:
        _, held_out = split_by_document(ROWS, share=0.5, seed=self.HALF.seed, purpose="validation")
        # The side of a row depends on its document, so it is the answer that is too long.
        rows = [{**row, "answer": "a" * 100_000} if row is held_out[0] else row for row in ROWS]
        with pytest.raises(LimitError, match=r"validation file.*\n- record 1, record: about 33,"):
            built(rows=rows, use_case=self.HALF)


class TestText:
    def test_the_student_is_trained_on_the_text_it_will_be_asked_with(self) -> None:
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

    def test_answers_are_what_the_student_is_to_write_and_stay_unchanged(self) -> None:
        answer = "User: [EOS] </answer> é\n\u2028"
        made = built(rows=[make_row(number, answer=answer) for number in range(10)])
        records = [json.loads(line) for line in made.train.split(b"\n") if line]
        assert {record["messages"][1]["content"][0]["text"] for record in records} == {answer}


CURATED = {
    "documents": 40,
    "requested": 120,
    "accepted": 90,
    "rejected": 25,
    "missing": 5,
    "surplus": 0,
    "dropped": {"repeats_original": 10, "repeats_pair": 15},
}


class TestDataCard:
    def test_its_figures_count_every_record_and_the_pairs_to_read_are_drawn_alike(self) -> None:
        figures = built().written.figures
        sums = {name: sum(bin_["count"] for bin_ in bins) for name, bins in figures["distributions"].items()}
        assert sums == {
            "question_characters_originals": 40,
            "answer_characters_originals": 40,
            "question_characters_synthetic": 80,
            "answer_characters_synthetic": 80,
        }
        assert figures["topic_words"] == [{"word": "t", "pairs": 80}]
        backwards = built(pairs=pairs_of(ROWS)[::-1]).written.figures
        assert len(figures["to_read"]) == 10
        assert backwards["to_read"] == figures["to_read"]

    def test_it_says_what_went_in_who_wrote_it_and_under_which_terms(self) -> None:
        use_case = make_use_case(source={"training_csv": "s3://b/t.csv", "licence": "CC", "attribution": "them"})
        made = built()
        card = data_card(
            ALL,
            made.written,
            use_case=use_case,
            teacher=CLAUDE,
            student=NOVA,
            prompts=[PROMPT],
            synthesis=CURATED,
            training_price=PRICE,
        )
        assert card["counts"] == made.counts
        assert (card["source"], card["licence"], card["attribution"]) == ("s3://b/t.csv", "CC", "them")
        assert card["teacher"]["model"] == CLAUDE.inference_id
        assert (card["student"]["provider"], card["student"]["family"]) == ("amazon", "nova")
        assert card["training_price"]["usd"] > 0
        assert [step["left"] for step in card["funnel"]] == [115, 115, 115, 105, 90, 90, 90, 90, 90, 90]
        assert card["prompts"] == {"answering.j2": PROMPT.version}
        assert card["licence_note"] == licence_note(CLAUDE, NOVA)

    @pytest.mark.parametrize("synthesis", [pytest.param(CURATED, id="pairs"), pytest.param(None, id="originals only")])
    def test_the_report_shows_it_with_and_without_new_pairs(self, synthesis: dict[str, Any] | None) -> None:
        made = built().written
        card = data_card(
            ALL,
            made,
            use_case=make_use_case(),
            teacher=CLAUDE,
            student=NOVA,
            prompts=[PROMPT],
            synthesis=synthesis,
            training_price=PRICE,
        )
        page = render_html(build_report(**inputs(data_cards=[card])))
        assert "Data card of tuned" in page
        assert ("What each filter left of" in page) == (synthesis is not None)

    def test_a_note_is_made_only_of_new_pairs_and_when_providers_differ(self) -> None:
        note = licence_note(CLAUDE, LLAMA)
        assert note is not None
        assert "llama-3-1-8b, meta" in note
        assert licence_note(CATALOG.model("llama-3-3-70b"), LLAMA) is None
        made = built().written
        for teacher, synthesis in ((NOVA, CURATED), (CLAUDE, None)):
            card = data_card(
                ALL,
                made,
                use_case=make_use_case(),
                teacher=teacher,
                student=NOVA,
                prompts=[],
                synthesis=synthesis,
                training_price=PRICE,
            )
            assert "licence_note" not in card
