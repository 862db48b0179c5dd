"""Describe the endpoint that keeps the champion callable, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.config.use_case import UseCase
from include.distill.cost.standing_price import HOURS_PER_MONTH, price_question
from include.distill.evaluation.champion import Champion
from include.distill.report.records import ReportEndpoint


def endpoint_entry(use_case: UseCase, champion: Champion | None) -> ReportEndpoint | None:
    """
    Return the champion's standing endpoint before the run's own promotion.

    :return: ``None`` if the champion has no such endpoint and the use case requests none.
    """
    endpoint = champion.endpoint if champion else None
    if champion and endpoint:
        price = endpoint.approved_price
        return {
            "kind": endpoint.kind,
            "arn": endpoint.arn,
            "model_arn": champion.model_arn,
            "usd_per_hour": price.usd_per_hour if price else None,
        }
    serve = use_case.promotion.serve
    if serve == "none":
        return None
    units = use_case.serving.model_units
    question = price_question(serve, use_case.student, units=units, exists=False, approved_usd_per_hour=None)
    return {
        "kind": serve,
        "arn": None,
        "model_arn": None,
        "usd_per_hour": question.price["usd_per_hour"] if question else None,
    }


def endpoint_sentences(endpoint: ReportEndpoint | None, *, promoted: str | None) -> Sequence[str]:
    """
    Say where applications call the champion, and what a promotion changes.

    :param promoted: the arm that the rule promotes; ``None`` if it promotes none.
    """
    if endpoint is None:
        return []
    sentences = ["The champion has no standing endpoint yet."]
    if endpoint["arn"]:
        sentences = [
            f"Applications call the champion at {endpoint['arn']}, which answers with {endpoint['model_arn']}."
        ]
    if promoted and endpoint["arn"]:
        sentences.append(f"Once {promoted} is promoted, the same ARN answers with its model.")
    elif promoted:
        sentences.append(f"The promotion of {promoted} creates the endpoint.")
    if usd := endpoint["usd_per_hour"]:
        billed = "costs" if endpoint["arn"] else "will cost"
        per_month = f"${HOURS_PER_MONTH * usd:,.0f} per month"
        sentences.append(f"The endpoint {billed} ${usd:,.2f} per hour, about {per_month}, until a person deletes it.")
    return sentences
