"""Choose for each arm of a run whether a deployment or provisioned throughput serves its model."""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.config.catalog import load_catalog
from include.distill.config.model_serving import on_demand_problem, provisioned_problem
from include.distill.config.use_case import UseCase
from include.distill.cost.estimate import TokenRate, answer_calls, served_student
from include.distill.cost.prices import DEPLOYED_PRICES, Prices
from include.distill.cost.records import PriceName, ServingChoice
from include.distill.cost.serving_choice import (
    AnswerCalls,
    choose_serving,
    impossible_option,
    on_demand_option,
    provisioned_option,
)
from include.distill.dataset.records import Row, RowTokens

_NO_CALLS = AnswerCalls(0, 0, 0)


def serving_choices(
    use_case: UseCase,
    evaluation: Sequence[Row | RowTokens],
    prices: Prices,
    *,
    champion: str | None = None,
    rate: TokenRate,
) -> dict[str, ServingChoice]:
    """
    Return a mapping from the name of each arm to how its custom model is served. Arms of the base student are left out.

    :param evaluation: the evaluation rows, or the number of tokens of each of their texts.
    :param champion: key of the champion's base model; ``None`` if there is no champion.
    :param rate: the token rate of the prompts that ask the arms for answers.
    :raises UseCaseError: a model cannot be served as the use case asks.
    """
    choices: dict[str, ServingChoice] = {}
    for arm in use_case.arms:
        student = served_student(use_case, arm, champion)
        if student is not None:
            calls = answer_calls(use_case, evaluation, arm.name, rate)
            choices[arm.name] = serving_choice(use_case, student, prices, calls)
    return choices


def serving_choice(use_case: UseCase, student: str, prices: Prices, calls: AnswerCalls = _NO_CALLS) -> ServingChoice:
    """
    Return how a custom model is served.

    :param student: key of the custom model's base model.
    :param calls: the calls that the model answers. Without this argument, the result shows only which
        ways of serving are possible.
    :raises UseCaseError: the model cannot be served as the use case asks.
    """
    serving, model = use_case.serving, load_catalog().model(student)
    quota = model.customization.deployment_quota if model.customization else None
    minutes = calls.minutes(
        requests_per_minute=quota.requests_per_minute if quota else None,
        tokens_per_minute=quota.tokens_per_minute if quota else None,
    )
    if problem := on_demand_problem(model, use_case.aws.region) or _unknown_price(prices, student, *DEPLOYED_PRICES):
        on_demand = impossible_option("on_demand", problem)
    else:
        usd_per_token = prices.token_prices(student, deployed=True)
        on_demand = on_demand_option(calls, usd_per_token=usd_per_token, answer_minutes=minutes)
    if problem := provisioned_problem(model) or _unknown_price(prices, student, "throughput_per_hour"):
        provisioned = impossible_option("provisioned", problem)
    else:
        usd_per_hour = serving.model_units * prices.price(student, "throughput_per_hour")
        provisioned = provisioned_option(usd_per_hour=usd_per_hour, hours=serving.expected_hours)
    return choose_serving(
        serving.mode,
        on_demand=on_demand,
        provisioned=provisioned,
        answer_minutes=minutes,
        max_hours=serving.max_hours,
    )


def _unknown_price(prices: Prices, student: str, *names: PriceName) -> str | None:
    missing = [name for name in names if not prices.has(student, name)]
    return f"include/prices.yaml has no {missing[0]} for {student}" if missing else None
