from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.training.job_identity import (
    JobTeacher,
    TrainingRecipe,
    recipe_fingerprint,
    training_recipe,
)
from tests.distill.conftest import make_use_case

RECIPE = TrainingRecipe("amazon.nova-micro-v1:0:128k", {"epochCount": "2", "learningRate": "0.00001"})
DISTILLED = TrainingRecipe(
    RECIPE.base_model_id, {}, "DISTILLATION", JobTeacher("us.amazon.nova-pro-v1:0", max_tokens=1024)
)
DATA_SHA256 = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        {"base_model_id": "amazon.nova-lite-v1:0:300k"},
        {"hyperparameters": {"epochCount": "3", "learningRate": "0.00001"}},
        {"hyperparameters": {"epochCount": "2"}},
        {"hyperparameters": {}},
        {"customization_type": "DISTILLATION"},
        {"customization_type": "CONTINUED_PRE_TRAINING"},
        {"teacher": JobTeacher("us.amazon.nova-pro-v1:0", max_tokens=1024)},
        {"teacher": JobTeacher("us.amazon.nova-pro-v1:0", max_tokens=512)},
        {"kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"},
        {"teacher": JobTeacher("us.meta.llama3-3-70b-instruct-v1:0", max_tokens=1024)},
    ],
    ids=str,
)
def test_every_setting_that_changes_the_model_changes_the_fingerprint(change: dict[str, Any]) -> None:
    for recipe in (RECIPE, DISTILLED):
        changed = replace(recipe, **change)
        assert (changed.fingerprint(DATA_SHA256) != recipe.fingerprint(DATA_SHA256)) == (changed != recipe)
        assert recipe.fingerprint("1" * 64) != recipe.fingerprint(DATA_SHA256)


def test_the_order_of_hyperparameters_does_not_change_the_fingerprint() -> None:
    reordered = replace(RECIPE, hyperparameters=dict(reversed(RECIPE.hyperparameters.items())))
    assert reordered.fingerprint(DATA_SHA256) == RECIPE.fingerprint(DATA_SHA256)


@pytest.mark.parametrize(
    ("recipe", "fingerprint"),
    [
        (RECIPE, "c0199ba256f17540a2f396654477a3082c27e9e6723c6997f7ae330bc15765ca"),
        (DISTILLED, "424a9f13a7d08a688cd60adff0d641ea6dbc625a6ae2d12e79cdf9b573e707cd"),
    ],
    ids=["fine-tuning", "distillation"],
)
def test_the_fingerprint_of_a_job_equals_its_fingerprint_in_earlier_versions(
    recipe: TrainingRecipe, fingerprint: str
) -> None:
    """Existing jobs have this fingerprint in their names. With another value, each job would be bought again."""
    assert recipe.fingerprint(DATA_SHA256) == fingerprint


def test_the_method_of_a_use_case_decides_the_type_of_the_job() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
    recipes = [
        training_recipe(make_use_case(student="titan-text-lite", training={"method": method}, arms=arms), "tuned")
        for method in ("fine_tuning", "continued_pre_training")
    ]
    assert [recipe.customization_type for recipe in recipes] == ["FINE_TUNING", "CONTINUED_PRE_TRAINING"]
    assert recipes[0].fingerprint(DATA_SHA256) != recipes[1].fingerprint(DATA_SHA256)


def test_the_key_of_the_models_is_part_of_both_kinds_of_jobs() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "managed", "kind": "distilled"}]
    key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
    aws = {"role_arn": "arn:aws:iam::123456789012:role/r", "kms_key_arn": key}
    use_case = make_use_case(arms=arms, teacher="nova-pro", aws=aws)
    assert {training_recipe(use_case, arm).kms_key_arn for arm in ("tuned", "managed")} == {key}


class TestRecipe:
    USE_CASE = make_use_case(training={"hyperparameters": {"epochCount": 2.0, "learningRate": "1e-5"}})

    def test_a_training_recipe_has_the_base_model_and_the_hyperparameters_in_the_form_that_bedrock_accepts(
        self,
    ) -> None:
        assert training_recipe(self.USE_CASE, "tuned") == RECIPE
        assert recipe_fingerprint(self.USE_CASE, "tuned", DATA_SHA256) == RECIPE.fingerprint(DATA_SHA256)

    def test_hyperparameters_that_the_student_does_not_accept_are_refused(self) -> None:
        with pytest.raises(InputError, match="did you mean epochCount"):
            training_recipe(make_use_case(training={"hyperparameters": {"epochs": 2}}), "tuned")


class TestDistillation:
    def test_a_distillation_job_gets_a_teacher_and_no_hyperparameters(self) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}]
        use_case = make_use_case(arms=arms, training={"hyperparameters": {"epochCount": 4}})
        assert training_recipe(use_case, "managed") == DISTILLED
        shorter = make_use_case(arms=arms, answering={"max_tokens": 512})
        assert recipe_fingerprint(shorter, "managed", DATA_SHA256) != DISTILLED.fingerprint(DATA_SHA256)

    def test_an_arm_that_the_use_case_no_longer_has_gets_the_recipe_of_fine_tuning(self) -> None:
        assert training_recipe(make_use_case(), "gone").customization_type == "FINE_TUNING"
