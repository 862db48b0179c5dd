"""Check whether a provisioned throughput can answer, say what it costs, and delete it for good."""

from __future__ import annotations

import time

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from include.distill.core.errors import OutcomeError, ThroughputReleasedError, WaitTimeoutError
from include.distill.inference.records import ThroughputManifest


def hourly_cost_note(provisioned: ThroughputManifest) -> str:
    """Return the end of a sentence about serving again: ``, at $x per hour``; empty if the manifest has no rate."""
    rate = provisioned.get("usd_per_hour")
    return f", at ${rate:.2f} per hour" if rate is not None else ""


def serving_arn(provisioned: ThroughputManifest, throughput: Throughput | None, *, provision_task: str) -> str | None:
    """
    Return the ARN that answers, or ``None`` when no answer is missing.

    :param throughput: the throughput as Bedrock shows it now; ``None`` if there is none.
    :param provision_task: id of the task that buys it, for messages.
    :raises ThroughputReleasedError: it was released.
    :raises OutcomeError: Bedrock could not provide it.
    """
    if provisioned["throughput_arn"] is None:
        return None
    if throughput is None:
        message = (
            f"Throughput {provisioned['throughput_name']} was released; nothing is billed. Clear {provision_task} with"
            f" downstream to serve again{hourly_cost_note(provisioned)}."
        )
        raise ThroughputReleasedError(message)
    if THROUGHPUT_STATUS[throughput.status] is Progress.FAILED:
        message = (
            f"Throughput {throughput.name} failed: {throughput.failure_message}. The teardown releases it. Clear"
            f" {provision_task} with downstream to buy again{hourly_cost_note(provisioned)}."
        )
        raise OutcomeError(message)
    return throughput.arn


def delete_and_wait(hook: BedrockDistillHook, name_or_arn: str, *, wait_seconds: float) -> None:
    """
    Delete a throughput and wait until it is gone. Bedrock has no status for this: it cannot be found any more.

    :raises WaitTimeoutError: it is still there after ``wait_seconds``, and still billed.
    """
    hook.delete_throughput(name_or_arn)
    deadline = time.monotonic() + wait_seconds
    while hook.find_throughput(name_or_arn):
        if time.monotonic() > deadline:
            message = (
                f"{name_or_arn} was deleted {wait_seconds:.0f} s ago and is still there and billed. A retry deletes it"
                " again; if it stays, delete it in the Bedrock console."
            )
            raise WaitTimeoutError(message)
        time.sleep(1)
