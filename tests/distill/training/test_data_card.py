from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.arms import Arm
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.core.records import BillLineRecord
from include.distill.curation.filters import FILTER_NAMES
from include.distill.curation.records import CurateManifest
from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.report.schema_data_card import DataCardSchema
from include.distill.training.data_card import data_card, funnel, licence_note
from include.distill.training.figures import CardFigures
from include.distill.training.records import DataCard, DocumentCounts, TrainingSetCounts
from include.distill.training.training_set import TrainingSet
from tests.distill.conftest import make_row, make_use_case
from tests.distill.report.example_report import inputs

CATALOG = load_catalog()
NOVA, CLAUDE, LLAMA = (CATALOG.model(key) for key in ("nova-micro", "claude-sonnet-4-6", "llama-3-1-8b"))
PROMPT = load_prompt("answering.j2")
PRICE: BillLineRecord = {"what": "training", "quantity": 1000, "unit": "token", "unit_price_usd": 0.001, "usd": 1.0}
CURATED: CurateManifest = {
    "documents": 40,
    "requested": 120,
    "accepted": 90,
    "rejected": 25,
    "missing": 5,
    "surplus": 0,
    "dropped": {"repeats_original": 10, "repeats_pair": 15},
    "failed": 0,
    "shards": 1,
    "calls": 40,
    "cache_hits": 0,
    "input_tokens": 1,
    "output_tokens": 1,
    "batch_calls": 0,
    "batch_input_tokens": 0,
    "batch_output_tokens": 0,
    "simulated": True,
}


def training_set() -> TrainingSet:
    figures = CardFigures(seed=1)
    for number in range(40):
        figures.add_original(make_row(number))  # type: ignore[arg-type]
    for number in range(80):
        figures.add_pair({"row_id": "r", "pair": number, "question": "q?", "answer": "a", "topic": "t", "grounding": 1})
    counts = {"originals": 40, "synthetic": 80, "records": 120, "validation": 0}
    return TrainingSet("ab12", 1_000, counts, figures.as_record())  # type: ignore[arg-type]


def card(
    *, synthesis: CurateManifest | None = CURATED, teacher: Model = CLAUDE, use_case: UseCase | None = None
) -> DataCard:
    return data_card(
        Arm(name="tuned"),
        training_set(),
        use_case=use_case or make_use_case(),
        teacher=teacher,
        student=NOVA,
        prompts=[PROMPT],
        synthesis=synthesis,
        training_price=PRICE,
    )


class TestDataCard:
    def test_a_data_card_has_sources_terms_models_and_prompts(self) -> None:
        source = {"training_csv": "s3://bucket/t.csv", "licence": "CC", "attribution": "them"}
        made = card(use_case=make_use_case(source=source))
        assert made["counts"] == {"originals": 40, "synthetic": 80, "records": 120, "validation": 0}
        assert (made["source"], made["licence"], made["attribution"]) == ("s3://bucket/t.csv", "CC", "them")
        assert made["teacher"] == {"model": CLAUDE.inference_id, "provider": "anthropic", "family": CLAUDE.key}
        assert made["student"] == {"model": NOVA.inference_id, "provider": "amazon", "family": "nova"}
        assert made["training_price"] == PRICE
        assert made["prompts"] == {"answering.j2": PROMPT.version}
        assert made["licence_note"] == licence_note(CLAUDE, NOVA)

    def test_the_keys_of_a_data_card_are_in_a_fixed_order(self) -> None:
        """The card is stored under the hash of the training file, and a retry must write the same bytes."""
        assert list(card()) == [
            "use_case",
            "arm",
            "counts",
            "sha256",
            "source",
            "evaluation_source",
            "licence",
            "attribution",
            "teacher",
            "student",
            "prompts",
            "training_price",
            "curation",
            "distributions",
            "topic_words",
            "to_read",
            "synthesis",
            "funnel",
            "licence_note",
        ]

    def test_a_data_card_without_synthetic_pairs_has_no_synthesis_keys(self) -> None:
        assert {"synthesis", "funnel", "critic", "licence_note"}.isdisjoint(card(synthesis=None))

    def test_a_data_card_has_the_verdict_counts_of_the_critic(self) -> None:
        verdicts = {"grounded": 90, "ungrounded": 0, "unparsable": 0, "not_looked_at": 0}
        usage = {"calls": 90, "cache_hits": 0, "input_tokens": 1, "output_tokens": 1, "simulated": True}
        made = card(synthesis={**CURATED, "critic": {**verdicts, **usage}})  # type: ignore[typeddict-item]
        assert made["critic"] == verdicts
        assert made["funnel"][-1] == {"filter": "critic", "dropped": 0, "left": 90}

    def test_the_card_and_the_report_say_how_documents_became_records(self) -> None:
        figures = CardFigures(seed=1)
        list(figures.count_documents([make_row(number) for number in range(3)]))  # type: ignore[list-item]
        documents: DocumentCounts = {"distinct": 2, "repeated": 1, "split": 1}
        counts: TrainingSetCounts = {
            **{"originals": 3, "synthetic": 0, "records": 5, "validation": 0},  # type: ignore[typeddict-item]
            "documents": documents,
        }
        arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
        made = data_card(
            Arm(name="tuned", synthetic=0),
            TrainingSet("ab12", 1_000, counts, figures.as_record()),
            use_case=make_use_case(student="titan-text-lite", training={"method": "continued_pre_training"}, arms=arms),
            teacher=CLAUDE,
            student=CATALOG.model("titan-text-lite"),
            prompts=[PROMPT],
            synthesis=None,
            training_price=PRICE,
        )
        assert (made["method"], made["counts"]["documents"]) == ("continued_pre_training", documents)
        DataCardSchema.model_validate(made)
        page = render_html(build_report(**inputs(data_cards=[made])))
        for part in (
            "Continued pre-training on 2 documents of 3 original rows",
            "Rows that repeat a document: 1.",
            "longer than a record may be: 1.",
            "Characters in the document",
            "Records: 5.",
        ):
            assert part in page

    def test_a_card_of_fine_tuning_has_neither_a_method_nor_documents(self) -> None:
        made = card()
        assert "method" not in made
        assert "documents" not in made["counts"]
        assert "Continued pre-training" not in render_html(build_report(**inputs(data_cards=[made])))

    @pytest.mark.parametrize("synthesis", [pytest.param(CURATED, id="pairs"), pytest.param(None, id="originals only")])
    def test_the_report_shows_a_data_card_with_and_without_synthetic_pairs(
        self, synthesis: CurateManifest | None
    ) -> None:
        report_inputs: dict[str, Any] = inputs(data_cards=[card(synthesis=synthesis)])
        page = render_html(build_report(**report_inputs))
        assert "Data card of tuned" in page
        assert ("requested pairs after each filter" in page) == (synthesis is not None)


class TestFunnel:
    def test_the_funnel_starts_with_missing_pairs_and_has_every_filter_in_order(self) -> None:
        steps = funnel(CURATED)
        assert [step["filter"] for step in steps] == ["missing", *FILTER_NAMES]
        left = {step["filter"]: step["left"] for step in steps}
        assert [left[name] for name in ("missing", "length", "repeats_original", "repeats_pair")] == [115, 115, 105, 90]
        assert steps[-1]["left"] == CURATED["accepted"] == 90

    @pytest.mark.parametrize("name", FILTER_NAMES)
    def test_the_funnel_subtracts_the_pairs_that_any_filter_rejected(self, name: str) -> None:
        steps = funnel({**CURATED, "accepted": 108, "rejected": 7, "dropped": {name: 7}})
        assert {step["filter"]: step["dropped"] for step in steps if step["dropped"]} == {"missing": 5, name: 7}
        assert steps[-1]["left"] == 108


class TestLicenceNote:
    def test_the_licence_note_names_both_models_when_their_providers_differ(self) -> None:
        note = licence_note(CLAUDE, LLAMA)
        assert note is not None
        assert "llama-3-1-8b, meta" in note
        assert "claude-sonnet-4-6 (anthropic)" in note

    def test_there_is_no_licence_note_when_both_models_have_the_same_provider(self) -> None:
        assert licence_note(CATALOG.model("llama-3-3-70b"), LLAMA) is None
        assert "licence_note" not in card(teacher=NOVA)


MANAGED = {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}


@pytest.mark.parametrize("golden", [False, True])
def test_the_card_of_a_distilled_arm_names_the_model_that_bedrock_asks_and_its_price(golden: bool) -> None:
    arm = {**MANAGED, **({"golden_answers": "ours"} if golden else {})}
    use_case = make_use_case(arms=[{"name": "base", "kind": "base"}, arm])
    made = data_card(
        use_case.arm("managed"),
        training_set(),
        use_case=use_case,
        teacher=CLAUDE,
        student=NOVA,
        prompts=[PROMPT],
        synthesis=CURATED,
        training_price=PRICE,
        teacher_price=[PRICE],
    )
    assert (made["job_teacher"]["provider"], made["job_teacher_price"]) == ("amazon", [PRICE])
    assert made["golden_answers"] is golden
    assert made["licence_note"] == licence_note(CLAUDE, NOVA)  # our teacher wrote the pairs whose texts are sent
    assert "job_teacher" not in card()
