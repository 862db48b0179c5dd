from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.training.job_identity import (
    job_fingerprint,
    recipe_fingerprint,
    training_recipe,
)
from tests.distill.conftest import make_use_case

JOB: dict[str, Any] = {
    "base_model_id": "amazon.nova-micro-v1:0:128k",
    "hyperparameters": {"epochCount": "2", "learningRate": "0.00001"},
    "data_sha256": "0" * 64,
}


@pytest.mark.parametrize(
    "change",
    [
        {"base_model_id": "amazon.nova-lite-v1:0:300k"},
        {"hyperparameters": {"epochCount": "3", "learningRate": "0.00001"}},
        {"hyperparameters": {"epochCount": "2"}},
        {"hyperparameters": {}},
        {"data_sha256": "1" * 64},
        {"customization_type": "DISTILLATION"},
    ],
    ids=str,
)
def test_every_setting_that_changes_the_model_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert job_fingerprint(**{**JOB, **change}) != job_fingerprint(**JOB)


def test_the_order_of_hyperparameters_does_not_change_the_fingerprint() -> None:
    reordered = dict(reversed(JOB["hyperparameters"].items()))
    assert job_fingerprint(**{**JOB, "hyperparameters": reordered}) == job_fingerprint(**JOB)


def test_the_fingerprint_of_a_job_equals_its_fingerprint_in_earlier_versions() -> None:
    """Existing jobs have this fingerprint in their names. With another value, each job would be bought again."""
    assert job_fingerprint(**JOB) == "c0199ba256f17540a2f396654477a3082c27e9e6723c6997f7ae330bc15765ca"


class TestRecipe:
    USE_CASE = make_use_case(training={"hyperparameters": {"epochCount": 2.0, "learningRate": "1e-5"}})

    def test_a_training_recipe_has_the_base_model_and_the_hyperparameters_in_the_form_that_bedrock_accepts(
        self,
    ) -> None:
        assert training_recipe(self.USE_CASE) == (JOB["base_model_id"], JOB["hyperparameters"])
        assert recipe_fingerprint(self.USE_CASE, "0" * 64) == job_fingerprint(**JOB)

    def test_hyperparameters_that_the_student_does_not_accept_are_refused(self) -> None:
        with pytest.raises(InputError, match="did you mean epochCount"):
            training_recipe(make_use_case(training={"hyperparameters": {"epochs": 2}}))
