"""Say which models can take the place of a model that a use case names but cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.alternatives import alternatives, suggestion
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.distillation_pairs import another_teacher
from include.distill.config.prompt_optimization import JUDGE_IDS
from include.distill.config.training_method import PRE_TRAINING, fine_tune_instead
from include.distill.config.use_case import UseCase
from include.distill.cost.prices import load_prices


def instead_of(use_case: UseCase, model: Model) -> str:
    """Say what can take the place of ``model`` in the jobs that call it, and in its other roles."""
    in_jobs = list(_instead_in_jobs(use_case, model))
    if not in_jobs:
        return _instead_in_role(use_case, model)
    advice = ". ".join([in_jobs[0], *(f"Also {text}" for text in in_jobs[1:])])
    if model.key not in (*use_case.models, *use_case.evaluators):
        return advice
    return f"{advice}. For its other roles, {_instead_in_role(use_case, model)}"


def _instead_in_jobs(use_case: UseCase, model: Model) -> Iterator[str]:
    """Yield advice about each kind of job for which only some models can be named."""
    arms = [arm.name for arm in use_case.arms if use_case.job_teacher(arm.name) == model.key]
    if arms:
        student = load_catalog().model(use_case.student)
        yield another_teacher(model, student, use_case.aws.region, arms, output_prices())
    if use_case.optimized_arms and model.key == use_case.prompt_optimization.judge_model:
        yield _another_judge(use_case, model)


def _another_judge(use_case: UseCase, model: Model) -> str:
    """Say what can take the place of the model that judges the answers in prompt optimization jobs."""
    prices = load_prices().models

    def able(other: Model) -> bool:
        return other.foundation_id in JUDGE_IDS and other.key in prices

    others = alternatives(model, able, costs=output_prices())
    if others:
        return f"name another model in prompt_optimization.judge, such as {', '.join(others)}"
    return (
        f"remove prompt: optimized from the arms {', '.join(use_case.optimized_arms)}, because no other active model of"
        " include/models.yaml can judge in prompt optimization jobs"
    )


def _instead_in_role(use_case: UseCase, model: Model) -> str:
    """Name models that can take the place of ``model`` in the use case's Region."""
    region, method = use_case.aws.region, use_case.training.method
    is_student = model.key == use_case.student
    is_evaluator = model.key in use_case.evaluators

    def able(other: Model) -> bool:
        if not is_student:
            return other.key in load_prices().models and (not is_evaluator or bool(other.evaluator))
        customization = other.customization
        return customization is not None and region in customization.regions and method in customization.methods

    others = alternatives(model, able, used=use_case.models, costs=output_prices())
    if is_student and method == PRE_TRAINING and not others:
        return fine_tune_instead()
    return suggestion(others)


def output_prices() -> dict[str, float]:
    """Return the price of a million output tokens of each model, by key."""
    prices = load_prices()
    return {key: prices.price(key, "output_per_million") for key in prices.models}
