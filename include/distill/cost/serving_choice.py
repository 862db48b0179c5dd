"""
Choose how an arm's custom model is served: on demand by a deployment, or by provisioned throughput.

A deployment is billed by the token. It costs nothing to create, and nothing while it is idle:
https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html. Provisioned throughput is
billed by the hour. So a deployment is chosen where Bedrock offers one, unless its quota is so low that the answers
would take too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from include.distill.core.errors import UseCaseError
from include.distill.cost.records import ChosenMode, ServingChoice, ServingOption

# The time until a deployment is active. UNVERIFIED: AWS publishes no figure; one deployment of Llama 3.3 took this long
# in August 2026.
MINUTES_UNTIL_ACTIVE = 8.0
_NAMES: dict[ChosenMode, str] = {"on_demand": "a deployment, on demand", "provisioned": "provisioned throughput"}


@dataclass(frozen=True)
class AnswerCalls:
    """The number of calls to an arm's endpoint, and the total number of their tokens."""

    calls: int
    input_tokens: float
    output_tokens: float

    def minutes(self, *, requests_per_minute: float | None, tokens_per_minute: float | None) -> float | None:
        """Return how many minutes the calls take at an endpoint's quotas; ``None`` if both quotas are unknown."""
        times = [
            amount / per_minute
            for amount, per_minute in (
                (self.calls, requests_per_minute),
                (self.input_tokens + self.output_tokens, tokens_per_minute),
            )
            if per_minute
        ]
        return max(times, default=None)


def on_demand_option(
    calls: AnswerCalls, *, usd_per_token: tuple[float, float], answer_minutes: float | None
) -> ServingOption:
    """
    Return the cost and time of a deployment.

    :param usd_per_token: the custom model's prices of one input token and one output token.
    :param answer_minutes: how long the calls take; ``None`` if the deployment's quota is not known.
    """
    usd = calls.input_tokens * usd_per_token[0] + calls.output_tokens * usd_per_token[1]
    return {
        "mode": "on_demand",
        "possible": True,
        "why_not": None,
        "usd": round(usd, 4),
        "minutes": None if answer_minutes is None else round(MINUTES_UNTIL_ACTIVE + answer_minutes, 1),
        "usd_per_hour": None,
    }


def provisioned_option(*, usd_per_hour: float, hours: float) -> ServingOption:
    """
    Return the cost and time of provisioned throughput.

    :param usd_per_hour: the price of all model units together.
    :param hours: how long the endpoint is expected to exist.
    """
    return {
        "mode": "provisioned",
        "possible": True,
        "why_not": None,
        "usd": round(hours * usd_per_hour, 4),
        "minutes": round(60 * hours, 1),
        "usd_per_hour": usd_per_hour,
    }


def impossible_option(mode: ChosenMode, why_not: str) -> ServingOption:
    """Return the option of a mode that cannot serve an arm's model, with the reason ``why_not``."""
    return {
        "mode": mode, "possible": False, "why_not": why_not, "usd": None, "minutes": None, "usd_per_hour": None,
    }  # fmt: skip


def choose_serving(
    setting: Literal["auto", "on_demand", "provisioned"],
    *,
    on_demand: ServingOption,
    provisioned: ServingOption,
    answer_minutes: float | None,
    max_hours: float,
) -> ServingChoice:
    """
    Choose one of the two ways to serve an arm's model.

    :param setting: ``serving.mode`` of the use case.
    :param answer_minutes: how long the answers take on demand; ``None`` if the deployment's quota is not known.
    :param max_hours: ``serving.max_hours``. With ``auto``, provisioned throughput is chosen if the answers would take
        longer on demand and the model can be served by provisioned throughput.
    :raises UseCaseError: the model cannot be served as the use case asks.
    """
    options = [on_demand, provisioned]
    if setting != "auto":
        chosen, other = (on_demand, provisioned) if setting == "on_demand" else (provisioned, on_demand)
        if not chosen["possible"]:
            raise UseCaseError(_refusal(setting, chosen, other), settings=["serving.mode"])
        return {"mode": setting, "reason": f"serving.mode is {setting}", "options": options}
    if not on_demand["possible"] and not provisioned["possible"]:
        raise UseCaseError(
            f"The student cannot be served: {on_demand['why_not']}, and {provisioned['why_not']}. Name another student"
            " in the use-case file.",
            settings=["student"],
        )
    if not on_demand["possible"]:
        return {"mode": "provisioned", "reason": str(on_demand["why_not"]), "options": options}
    if answer_minutes is None:
        reason = (
            "a deployment costs nothing while it is idle; its quota is not known, so it is not known either how long"
            " the answers take"
        )
        return {"mode": "on_demand", "reason": reason, "options": options}
    took = f"at the deployment's quota, the answers take {duration(answer_minutes)}"
    limit = f"serving.max_hours, {max_hours:g} h"
    if answer_minutes <= 60 * max_hours:
        reason = f"a deployment costs nothing while it is idle, and {took}, which is within {limit}"
        return {"mode": "on_demand", "reason": reason, "options": options}
    if not provisioned["possible"]:
        reason = f"{provisioned['why_not']}. The answers take longer than {limit}: {took}"
        return {"mode": "on_demand", "reason": reason, "options": options}
    reason = f"{took}, which is longer than {limit}"
    return {"mode": "provisioned", "reason": reason, "options": options}


def _refusal(setting: ChosenMode, chosen: ServingOption, other: ServingOption) -> str:
    if other["possible"]:
        to_do = f"Set serving.mode to auto or {other['mode']}, or name another student in the use-case file"
    else:
        to_do = f"Name another student in the use-case file, because {other['why_not']}"
    return f"serving.mode is {setting}, but {chosen['why_not']}. {to_do}."


def describe_serving(arm: str, choice: ServingChoice) -> str:
    """Describe both ways to serve an arm, and the choice with its reason, in sentences for the log and the report."""
    options = "; ".join(_described(option) for option in choice["options"])
    return f"{arm} is served by {_NAMES[choice['mode']]}, because {choice['reason']}. Options: {options}."


def _described(option: ServingOption) -> str:
    name = _NAMES[option["mode"]]
    if not option["possible"] or option["usd"] is None:
        return f"{name}: not possible, because {option['why_not']}"
    price = f" at ${option['usd_per_hour']:,.2f} per hour" if option["usd_per_hour"] is not None else ""
    decimals = 2 if option["usd"] >= 1 else 4
    time = "an unknown time" if option["minutes"] is None else f"about {duration(option['minutes'])}"
    return f"{name}: ${option['usd']:,.{decimals}f}{price}, {time}"


def duration(minutes: float) -> str:
    """Return a time in minutes as text, with hours if it is longer than three hours."""
    if minutes > 180:
        return f"{minutes:,.0f} minutes ({minutes / 60:,.1f} hours)"
    return "1 minute" if minutes < 1.5 else f"{minutes:,.0f} minutes"
