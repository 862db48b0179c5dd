from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.availability_check import availability_problems

USABLE = {
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
    "agreementAvailability": {"status": "AVAILABLE"},
}


@pytest.mark.parametrize("availability", [USABLE, {}, {"modelId": "m", "agreementAvailability": {}}])
def test_a_model_that_the_account_can_use_is_no_problem(availability: dict[str, Any]) -> None:
    assert availability_problems("nova", availability) == []


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "authorizationStatus is NOT_AUTHORIZED; Airflow's identity"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "entitlementAvailability is NOT_AVAILABLE; the account has no"),
        ({"regionAvailability": "NOT_AVAILABLE"}, "is NOT_AVAILABLE; the model is not offered in this Region"),
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "is NOT_AVAILABLE; the model's agreement has not"),
        (
            {"agreementAvailability": {"status": "PENDING"}},
            "is PENDING; the model's agreement is being processed",
        ),
        (
            {"agreementAvailability": {"status": "ERROR", "errorMessage": "No payment method."}},
            'agreementAvailability is ERROR ("No payment method"); AWS Marketplace could not',
        ),
        ({"agreementAvailability": {"status": "NEW"}}, "agreementAvailability is NEW; look at the model"),
    ],
)
def test_each_status_has_its_own_advice(change: dict[str, Any], advice: str) -> None:
    (problem,) = availability_problems("nova", {**USABLE, **change})
    assert problem.startswith("this account cannot use model nova: ")
    assert advice in problem


def test_every_reason_is_a_problem() -> None:
    reasons = {"regionAvailability": "NOT_AVAILABLE", "agreementAvailability": {"status": "PENDING"}}
    assert len(availability_problems("nova", {**USABLE, **reasons})) == 2
