"""Check that calls fit within their model's quota, and deployments within the account's quota."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase

_NAMES_SHOWN = 10


def quota_problems(use_case: UseCase) -> list[str]:
    """
    Return a message for each step whose ``max_tokens`` is too large for its model's quota.

    Every call of such a step would be throttled, because a call reserves ``max_tokens`` tokens of the quota.
    """
    steps = [
        ("synthesis", use_case.teacher, use_case.synthesis.max_tokens),
        ("answering", use_case.student, use_case.answering.max_tokens),
        *((("curation.critic", critic.model, critic.max_tokens),) if (critic := use_case.critic) else ()),
        *(("judging", judge, use_case.judging.max_tokens) for judge in use_case.judges),
    ]
    problems = []
    for step, model, max_tokens in steps:
        quota = use_case.quota(load_catalog().model(model))
        capacity = quota.tokens_per_minute and quota.tokens_per_minute * quota.token_burst_share
        if capacity and max_tokens >= capacity:
            problems.append(
                f"{step}.max_tokens is {max_tokens}, and each call to {model} reserves this many tokens plus the"
                f" tokens of its input. The model's quota allows {capacity:.0f} tokens at once, so every call would be"
                f" throttled. Lower {step}.max_tokens, or correct the entry for {model} in quotas"
            )
    return problems


def deployment_quota_problem(
    existing: Sequence[str], *, needed: int, use_case: UseCase, standing: Collection[str] = (), instead: str
) -> str | None:
    """
    Return a message if the account has too many custom model deployments for a run.

    :param existing: names of the account's deployments in the Region, without those of the run.
    :param needed: number of deployments that the run has at the same time, or leaves behind.
    :param standing: names of standing endpoints of champions.
    :param instead: the setting to change so that the run needs no deployment, as in "serving.mode to provisioned".
    """
    quota = use_case.serving.deployment_quota
    if not needed or len(existing) + needed <= quota:
        return None
    names = ", ".join(sorted(existing)[:_NAMES_SHOWN])
    more = f" and {len(existing) - _NAMES_SHOWN} more" if len(existing) > _NAMES_SHOWN else ""
    called = sum(name in standing for name in existing)
    kept = f", of which applications call {called} as standing endpoints of champions" if called else ""
    return (
        f"this account has {len(existing)} custom model deployments in {use_case.aws.region} ({names}{more}){kept}, and"
        f" the run needs {needed} more, but serving.deployment_quota is {quota}; delete deployments that nobody calls,"
        f" or enter the account's quota if AWS has raised it, or set {instead}"
    )
