from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.sections import Training
from include.distill.config.training_method import (
    PRE_TRAINING,
    method_problem,
    no_live_model,
    pair_family,
    training_family,
)
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

CATALOG = load_catalog()
EXPRESS, LITE, NOVA = (CATALOG.models[key] for key in ("titan-text-express", "titan-text-lite", "nova-micro"))
BASE, DOCUMENTS = {"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}
METHOD = {"method": PRE_TRAINING}


def training(**changes: Any) -> Training:
    return Training(**changes)


def test_fine_tuning_is_the_default_and_every_student_supports_it() -> None:
    assert make_use_case().training.method == "fine_tuning"
    for model in CATALOG.models.values():
        assert method_problem(model, "fine_tuning") is None


def test_a_use_case_with_documents_alone_asks_the_teacher_for_nothing() -> None:
    use_case = make_use_case(student="titan-text-lite", training=METHOD, arms=[BASE, DOCUMENTS])
    assert not use_case.wants_pairs
    assert use_case.epochs == 5


class TestRefusals:
    def test_a_student_without_the_method_is_refused_with_the_reason_the_source_and_what_to_write(self) -> None:
        with pytest.raises(UseCaseError) as refused:
            make_use_case(training=METHOD, arms=[BASE, DOCUMENTS])
        for part in (
            "the student nova-micro",
            "training.method: found continued_pre_training, but Bedrock does not train",
            "according to include/models.yaml, checked on 2026-11-27, only titan-text-express and titan-text-lite",
            "support continued_pre_training, and their end of life is 2025-12-18; AWS's guide names no other model",
            "https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-fine-tuning.html",
            "expected training.method: fine_tuning, or an arm of kind distilled",
        ):
            assert part in str(refused.value)

    @pytest.mark.parametrize(("synthetic", "shown"), [({}, "all"), ({"synthetic": 20}, "20")])
    def test_an_arm_with_pairs_is_refused_even_if_the_number_is_the_default(
        self, synthetic: dict[str, int], shown: str
    ) -> None:
        with pytest.raises(UseCaseError) as refused:
            make_use_case(student="titan-text-lite", training=METHOD, arms=[BASE, {"name": "tuned", **synthetic}])
        assert f"arm tuned has synthetic: {shown}" in str(refused.value)
        assert "expected synthetic: 0" in str(refused.value)

    def test_arms_that_are_not_trained_need_no_key(self) -> None:
        assert make_use_case(student="titan-text-lite", training=METHOD, arms=[BASE, DOCUMENTS]).arms[0].kind == "base"

    def test_an_unknown_method_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(
            UseCaseError,
            match=r"training\.method: found 'pre_training', expected fine_tuning or continued_pre_training",
        ):
            make_use_case(training={"method": "pre_training"})

    def test_a_live_model_is_named_if_the_catalog_has_one(self) -> None:
        new = EXPRESS.model_copy(update={"key": "new", "lifecycle": "active"})
        live = CATALOG.model_copy(update={"models": {"new": new}})
        assert no_live_model(live) == "models with continued_pre_training: new"


class TestFamily:
    def test_each_method_has_a_format_of_its_own(self) -> None:
        assert training_family(EXPRESS, training()).format == "prompt-completion"
        assert training_family(EXPRESS, training(**METHOD)).format == "documents"
        assert training_family(EXPRESS, training(**METHOD)).total_records == 100_000
        assert pair_family(EXPRESS, training(**METHOD)).format == "prompt-completion"

    def test_a_student_of_another_family_has_the_limits_of_the_catalog(self) -> None:
        assert training_family(NOVA, training(hyperparameters={"epochCount": 1})) == CATALOG.family_of(NOVA)

    @pytest.mark.parametrize(
        ("student", "batch", "tokens"),
        [
            (EXPRESS, None, 4096),
            (EXPRESS, 1, 4096),
            (EXPRESS, "2", 2048),
            (LITE, 2, 4096),
            (LITE, 3, 2048),
            (LITE, 99, 4096),  # out of range: the hyperparameter is refused
        ],
    )
    @pytest.mark.parametrize("method", ["fine_tuning", PRE_TRAINING])
    def test_the_limit_on_tokens_depends_on_the_batch_size(
        self, student: Any, batch: Any, tokens: int, method: Any
    ) -> None:
        hyperparameters = {} if batch is None else {"batchSize": batch}
        family = training_family(student, training(method=method, hyperparameters=hyperparameters))
        assert family.tokens_per_record == tokens

    def test_a_model_that_cannot_be_trained_is_refused(self) -> None:
        with pytest.raises(UseCaseError, match="Bedrock cannot fine-tune"):
            training_family(CATALOG.models["claude-sonnet-5-5"], training())

    def test_every_model_with_the_method_has_a_family_for_its_documents(self) -> None:
        for model in CATALOG.models.values():
            if model.customization:
                has_method = PRE_TRAINING in model.customization.methods
                assert (model.customization.document_family is not None) == has_method
                assert not has_method or model.customization.document_family in CATALOG.document_families
