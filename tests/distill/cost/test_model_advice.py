"""Check which models the advice names in place of a model that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompt_optimization import DEFAULT_JUDGE
from include.distill.config.use_case import UseCase
from include.distill.cost import model_advice
from include.distill.cost.model_advice import instead_of, output_prices
from tests.fakes.variables import VARIABLES

OPTIMIZED = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]


@pytest.fixture
def use_case() -> UseCase:
    return load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


def advice(use_case: UseCase, model: str, **changes: Any) -> str:
    changed = UseCase.model_validate({**use_case.model_dump(mode="json"), **changes})
    return instead_of(changed, load_catalog().model(model))


def test_another_student_can_be_trained_in_the_region(use_case: UseCase) -> None:
    assert advice(use_case, use_case.student).startswith("name another model in the use-case file, such as nova-")


def test_an_evaluator_is_replaced_by_a_model_that_bedrock_accepts_as_an_evaluator(use_case: UseCase) -> None:
    named = advice(use_case, "nova-pro", evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
    keys = named.partition("such as ")[2].split(", ")
    assert all(load_catalog().model(key).evaluator for key in keys)


class TestJudgeOfOptimizationJobs:
    def test_without_another_judge_in_the_catalog_the_arms_are_to_be_changed(self, use_case: UseCase) -> None:
        assert advice(use_case, DEFAULT_JUDGE, arms=OPTIMIZED, judges=["nova-pro"], comparisons=[]) == (
            "remove prompt: optimized from the arms prompted, because no other active model of include/models.yaml can"
            " judge in prompt optimization jobs"
        )

    def test_another_judge_that_bedrock_accepts_is_named(
        self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = load_catalog().model("claude-haiku-4-5")
        monkeypatch.setattr(model_advice, "JUDGE_IDS", (other.foundation_id,))
        assert advice(use_case, DEFAULT_JUDGE, arms=OPTIMIZED, judges=["nova-pro"], comparisons=[]) == (
            "name another model in prompt_optimization.judge, such as claude-haiku-4-5"
        )

    def test_a_model_that_also_judges_the_arms_has_alternatives_for_that_role(self, use_case: UseCase) -> None:
        text = advice(use_case, DEFAULT_JUDGE, arms=OPTIMIZED, judges=[DEFAULT_JUDGE], comparisons=[])
        assert ". For its other roles, name another model in the use-case file, such as " in text

    def test_without_an_optimized_prompt_the_model_has_no_such_job(self, use_case: UseCase) -> None:
        assert "prompt" not in advice(use_case, DEFAULT_JUDGE)

    def test_a_model_with_two_kinds_of_jobs_has_advice_for_both(
        self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arms = [*OPTIMIZED, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}]
        monkeypatch.setattr(type(use_case.prompt_optimization), "judge_model", "nova-pro")
        text = advice(use_case, "nova-pro", arms=arms, judges=["claude-haiku-4-5"], comparisons=[])
        assert text.startswith("remove arm managed from the use-case file")
        assert text.endswith(". Also name another model in prompt_optimization.judge, such as claude-sonnet-4-6")


def test_every_model_with_a_price_is_compared_by_it() -> None:
    assert output_prices()["nova-micro"] < output_prices()["nova-pro"]
