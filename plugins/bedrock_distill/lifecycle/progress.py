"""Describe the progress and the cost of what a task waits for."""

from __future__ import annotations

import datetime
import re

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.hooks.named_jobs import NamedJob
from bedrock_distill.lifecycle.endpoints import AnyEndpoint, EndpointKind
from include.distill.core.durations import format_duration
from include.distill.cost.amounts import usd_text


def describe_stall(job: CustomizationJob) -> str:
    """Return the warning about a job whose training does not start."""
    return (
        f"The training is stalled: {describe_job(job)}. Bedrock may still start the training. To give up on this job,"
        " mark this task as failed, which stops the job if training.stop_when_marked_failed is true. Then, to buy"
        " another attempt, clear the arm's task `submit` with downstream."
    )


def describe_job(job: CustomizationJob) -> str:
    """Return how long a training job has existed, and the state of its phases, as a sentence without a full stop."""
    phases = ", ".join(f"{_words(phase)} {_words(status)}" for phase, status in job.details)
    return f"{job.name} is {_words(job.status)}, {age_of(job.created)} after its creation" + (
        f" ({phases})" if phases else ""
    )


def describe_named_job(job: NamedJob) -> str:
    """Return the status and the age of a job, as a sentence without a full stop."""
    return f"{job.noun.capitalize()} {job.name} is {job.status}, {age_of(job.created)} after its creation"


def whole_job_cost(at_most_usd: float | None) -> str:
    """Return what a whole job costs, as the end of a sentence; empty if it is not known."""
    return f", at most about {usd_text(at_most_usd)} in all" if at_most_usd is not None else ""


def age_of(created: datetime.datetime) -> str:
    """Return how long a job has existed."""
    # AWS's clock may be ahead of this machine's.
    return format_duration(max(0.0, (datetime.datetime.now(datetime.UTC) - created).total_seconds()))


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
