"""Check how old the prices are with which the spend cap is computed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from include.distill.account_check.findings import Finding, missing, ok, warning
from include.distill.config.use_case import UseCase
from include.distill.cost.prices import Prices

MAX_AGE_DAYS = 90
# The guide says from where to download the files.
_FILES = "models.json us-east-1.json us-west-2.json"
_REFRESH = f"python -m include.distill.cost.refresh_prices {_FILES}  # docs/how-to/refresh_prices.md"


def price_findings(use_case: UseCase, prices: Prices, today: datetime.date) -> Iterator[Finding]:
    """Yield whether the prices of each model of a use case are known, verified, and not older than 90 days."""
    for model in use_case.all_models:
        check = f"prices of {model}"
        facts = prices.facts.get(model, {})
        if not prices.has(model, "input_per_million", "output_per_million"):
            detail = "include/prices.yaml has no price for the tokens of this model, so no spend cap can be enforced"
            yield missing(check, detail, _REFRESH)
            continue
        oldest = min((fact.checked for fact in facts.values()), default=today)
        age = (today - oldest).days
        unverified = sorted(name for name, fact in facts.items() if not fact.verified)
        if age > MAX_AGE_DAYS:
            yield warning(check, f"The oldest price was read on {oldest}, {age} days ago", _REFRESH)
        elif unverified:
            yield warning(check, f"Not verified in AWS's price list: {', '.join(unverified)}", _REFRESH)
        else:
            yield ok(check, f"read on {oldest}")
