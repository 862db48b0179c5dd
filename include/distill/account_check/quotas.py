"""Compare the account's quotas in Service Quotas with what a use case expects of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.distill.account_check.findings import Finding, missing, not_checked, ok, warning
from include.distill.account_check.needed_actions import serving_kinds
from include.distill.account_check.reader import AccountReader, QuotaFact, attempt
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.sections import ModelQuota
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError

# "Model units no-commitment Provisioned Throughputs across custom models"
MODEL_UNITS = "L-BE77399C"
GET, LIST = "servicequotas:GetServiceQuota", "servicequotas:ListServiceQuotas"
_RATE = re.compile(r"(?P<scope>[a-z -]*) model inference (?P<kind>requests|tokens) per minute for (?P<name>.+)", re.I)
# Words that may follow the name of a model in the name of its quota.
_ENDINGS = {"v1", "v2", "v3", "instruct"}
# The wording of the names of these two quotas is UNVERIFIED, so they are found by the words that they must have.
_TRAINING_WORDS = ("customization jobs",)
_DEPLOYMENT_WORDS = ("total", "custom model deployments")


@dataclass(frozen=True)
class _Limit:
    """A rate that the use case expects, and the account's quota for it."""

    kind: str
    expected: float | None
    quota: QuotaFact


def quota_findings(reader: AccountReader, use_case: UseCase) -> Iterator[Finding]:
    """Yield a finding for each quota that limits a use case."""
    listed = attempt("quotas", LIST, reader.quotas)
    if isinstance(listed, Finding):
        yield listed
    else:
        for key in dict.fromkeys(use_case.models):
            yield from _rates(listed, use_case, load_catalog().model(key))
        yield from _jobs(listed, use_case)
    yield from _model_units(reader, use_case)


def _rates(quotas: Sequence[QuotaFact], use_case: UseCase, model: Model) -> Iterator[Finding]:
    check = f"quota of {model.key}"
    found = {kind: one for one in quotas if (kind := _kind_of_rate(one.name, model))}
    if not found:
        yield not_checked(check, f"Service Quotas lists no rate quota of this model in {use_case.aws.region}")
        return
    expected = use_case.quota(model)
    rates = {"requests": expected.requests_per_minute, "tokens": expected.tokens_per_minute}
    limits = [_Limit(kind, rates[kind], quota) for kind, quota in found.items()]
    shown = " and ".join(f"{limit.quota.value:,.0f} {limit.kind} per minute" for limit in limits)
    line = _setting(use_case, model, expected, limits)
    if empty := next((limit for limit in limits if limit.quota.value <= 0), None):
        yield missing(check, f"{empty.quota.name} is 0, so every call is throttled", _increase(empty.quota, use_case))
    elif any(limit.expected is not None and limit.expected > limit.quota.value for limit in limits):
        detail = f"The use case expects more than the account has ({shown}), so calls are throttled"
        yield warning(check, detail, line)
    elif all(limit.expected is None for limit in limits):
        yield warning(check, f"The account has {shown}, but the use case states no quota, so calls find it out", line)
    else:
        yield ok(check, f"the account has {shown}")


def _setting(use_case: UseCase, model: Model, expected: ModelQuota, limits: Sequence[_Limit]) -> str:
    values = {f"{limit.kind}_per_minute": limit.quota.value for limit in limits}
    stated = expected.model_dump(exclude_none=True, exclude_defaults=True) | values
    text = ", ".join(f"{key}: {value:g}" for key, value in stated.items())
    return f"quotas: {{{model.key}: {{{text}}}}}  # in include/use_cases/{use_case.name}.yaml"


def _kind_of_rate(name: str, model: Model) -> str | None:
    """Return ``requests`` or ``tokens`` if a quota with this name limits the calls to a model; otherwise ``None``."""
    match = _RATE.fullmatch(name)
    if match is None or match["scope"].strip().lower() != _scope(model):
        return None
    words, wanted = _words(match["name"]), _words(model.key)
    starts = [start for start in range(len(words)) if words[start : start + len(wanted)] == wanted]
    if not any(set(words[start + len(wanted) :]) <= _ENDINGS for start in starts):
        return None
    return match["kind"].lower()


def _scope(model: Model) -> str:
    if model.inference_id == model.foundation_id:
        return "on-demand"
    return "global cross-region" if model.inference_id.startswith("global.") else "cross-region"


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _jobs(quotas: Sequence[QuotaFact], use_case: UseCase) -> Iterator[Finding]:
    trained = sum(arm.is_trained for arm in use_case.arms)
    if trained:
        yield _number(quotas, use_case, "quota of customization jobs", _TRAINING_WORDS, trained, "trained arms")
    if "on_demand" in serving_kinds(use_case):
        expected = use_case.serving.deployment_quota
        what = "in serving.deployment_quota"
        yield _number(quotas, use_case, "quota of deployments", _DEPLOYMENT_WORDS, expected, what)


def _number(
    quotas: Sequence[QuotaFact], use_case: UseCase, check: str, words: Sequence[str], expected: int, what: str
) -> Finding:
    found = [one for one in quotas if all(word in one.name.lower() for word in words)]
    if not found:
        return not_checked(check, f"Service Quotas lists no quota with this name in {use_case.aws.region}")
    smallest = min(found, key=lambda one: one.value)
    if smallest.value < expected:
        detail = f"{smallest.name} is {smallest.value:g}, but the use case has {expected} {what}, so tasks may wait"
        return warning(check, detail, _increase(smallest, use_case, expected))
    return ok(check, f"{smallest.name} is {smallest.value:g}")


def _model_units(reader: AccountReader, use_case: UseCase) -> Iterator[Finding]:
    """Yield whether the account may buy the provisioned throughput that a use case needs."""
    kinds, serving = serving_kinds(use_case), use_case.serving
    is_standing = use_case.promotion.serve == "provisioned"
    if "provisioned" not in kinds and not is_standing:
        return
    check = f"quota {MODEL_UNITS}"
    units = serving.model_units * (serving.arms_at_a_time * ("provisioned" in kinds) + is_standing)
    try:
        quota = attempt(check, GET, lambda: reader.quota(MODEL_UNITS))
    except NotFoundError:
        yield not_checked(check, f"Service Quotas has no quota {MODEL_UNITS} in {use_case.aws.region}")
        return
    if isinstance(quota, Finding):
        yield quota
    elif quota.value >= units:
        yield ok(check, f"{quota.value:g} model units")
    else:
        detail = f"{quota.name} is {quota.value:g}, but the use case buys {units} model units of throughput"
        # With serving.mode auto, estimate chooses provisioned throughput only for many answers.
        make = missing if kinds.get("provisioned") or is_standing else warning
        yield make(check, detail, _increase(quota, use_case, units))


def _increase(quota: QuotaFact, use_case: UseCase, value: float = 1) -> str:
    if not quota.is_adjustable:
        return f"ask AWS Support for a higher value of {quota.code}, which is not adjustable in Service Quotas"
    return (
        "aws service-quotas request-service-quota-increase --service-code bedrock"
        f" --quota-code {quota.code} --desired-value {value:g} --region {use_case.aws.region}"
    )
