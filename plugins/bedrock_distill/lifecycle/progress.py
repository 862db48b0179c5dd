"""Describe the progress and the cost of what a task waits for."""

from __future__ import annotations

import datetime
import re

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.lifecycle.endpoints import AnyEndpoint, EndpointKind
from bedrock_distill.run.heartbeat import format_duration


def describe_stall(job: CustomizationJob) -> str:
    """Return the warning about a job whose training does not start."""
    return (
        f"The training is stalled: {describe_job(job)}. Bedrock may still start the training. To give up on this job,"
        " mark this task as failed, which stops the job if training.stop_when_marked_failed is true. Then, to buy"
        " another attempt, clear the arm's task `submit` with downstream."
    )


def describe_job(job: CustomizationJob) -> str:
    """Return how long a training job has existed, and the state of its phases, as a sentence without a full stop."""
    # AWS's clock may be ahead of this machine's.
    age = max(0.0, (datetime.datetime.now(datetime.UTC) - job.created).total_seconds())
    phases = ", ".join(f"{_words(phase)} {_words(status)}" for phase, status in job.details)
    return f"{job.name} is {_words(job.status)}, {format_duration(age)} after its creation" + (
        f" ({phases})" if phases else ""
    )


def throughput_cost(seconds: float, usd_per_hour: float | None) -> str:
    """Return what a throughput has cost, as the end of a sentence."""
    if usd_per_hour is None:
        return "the throughput is billed by the hour"
    return f"about ${usd_per_hour * seconds / 3600:.2f}, at ${usd_per_hour:.2f} per hour"


def describe_standing(kind: EndpointKind, endpoint: AnyEndpoint) -> str:
    """Return the state of a standing endpoint, and the model that it will serve, without a full stop."""
    coming = kind.served(endpoint).coming
    change = f"is to answer with {coming} next" if coming else f"answers with {endpoint.model_arn}"
    return f"{kind.noun} {endpoint.name} is {_words(endpoint.status)} and {change}"


def _words(name: str) -> str:
    """Split a name of Bedrock's API into words: ``dataProcessingDetails`` becomes ``data processing``."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", name.removesuffix("Details"))).lower() or name
