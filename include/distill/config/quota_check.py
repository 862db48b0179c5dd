"""Whether a call fits into its model's stated quota at all: one that does not would be throttled for ever."""

from __future__ import annotations

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase


def quota_problems(use_case: UseCase) -> list[str]:
    """Return one sentence for each step whose ``max_tokens`` alone are more than a minute's tokens of its model."""
    steps = [
        ("synthesis", use_case.teacher, use_case.synthesis.max_tokens),
        ("answering", use_case.student, use_case.answering.max_tokens),
        *((("curation.critic", critic.model, critic.max_tokens),) if (critic := use_case.critic) else ()),
        *(("judging", judge, use_case.judging.max_tokens) for judge in use_case.judges),
    ]
    problems = []
    for step, model, max_tokens in steps:
        quota = use_case.quota(load_catalog().model(model))
        held = quota.tokens_per_minute and quota.tokens_per_minute * quota.token_burst_share
        if held and max_tokens >= held:
            problems.append(
                f"{step}.max_tokens = {max_tokens} are reserved for each call to {model}, whose quota holds {held:.0f}"
                " tokens at once: no call would ever be admitted; lower max_tokens or correct quotas"
            )
    return problems
