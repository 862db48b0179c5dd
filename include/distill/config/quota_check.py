"""Check that each call fits within its model's quota; a larger call would be throttled every time."""

from __future__ import annotations

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase


def quota_problems(use_case: UseCase) -> list[str]:
    """Return a message for each step whose ``max_tokens`` is too large for its model's quota."""
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
