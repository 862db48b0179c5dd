"""Check whether the account may use a model, with Bedrock's GetFoundationModelAvailability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AGREEMENT = (
    "call the model once in the Bedrock console with an identity that has aws-marketplace:Subscribe and"
    " aws-marketplace:ViewSubscriptions"
)
_ADVICE = {
    ("authorizationStatus", "NOT_AUTHORIZED"): (
        "Airflow's identity or the account is not authorized; allow bedrock:InvokeModel for the model, and check"
        " whether a policy of the organization blocks it"
    ),
    ("entitlementAvailability", "NOT_AVAILABLE"): (
        "the account has no access to the model; open the model in the model catalog of the Bedrock console and call it"
        " once (Anthropic models first require a form about your use case)"
    ),
    ("regionAvailability", "NOT_AVAILABLE"): (
        "the model is not offered in this Region; change aws.region, or choose another model"
    ),
    ("agreementAvailability", "NOT_AVAILABLE"): f"the model's agreement has not been accepted; {_AGREEMENT}",
    ("agreementAvailability", "PENDING"): (
        "the model's agreement is being processed; wait 15 minutes, and look in the AWS Marketplace console if the"
        " status does not change"
    ),
    ("agreementAvailability", "ERROR"): (
        "AWS Marketplace could not complete the model's agreement; check the account's payment method and address in"
        f" the Billing console, then {_AGREEMENT}"
    ),
}
_AVAILABLE = frozenset({"AUTHORIZED", "AVAILABLE"})
_NAMES = ("authorizationStatus", "entitlementAvailability", "regionAvailability", "agreementAvailability")


def availability_problems(model: str, availability: Mapping[str, Any]) -> list[str]:
    """Return a message for each reason why the account cannot use a model.

    :param model: the model's key, for the messages.
    :param availability: Bedrock's response. A field that is absent is not a problem.
    """
    problems = []
    for name in _NAMES:
        stated = availability.get(name)
        record = stated if isinstance(stated, Mapping) else {"status": stated}
        status = record.get("status")
        if status is None or status in _AVAILABLE:
            continue
        advice = _ADVICE.get((name, status), "look at the model in the model catalog of the Bedrock console")
        reason = str(record.get("errorMessage") or "").rstrip(".")
        quoted = f' ("{reason}")' if reason else ""
        problems.append(f"this account cannot use model {model}: {name} is {status}{quoted}; {advice}")
    return problems
