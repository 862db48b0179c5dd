"""Check whether a provisioned throughput is in service, describe its hourly cost, and delete it."""

from __future__ import annotations

import time

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from include.distill.core.errors import OutcomeError, ThroughputReleasedError, WaitTimeoutError
from include.distill.inference.records import ThroughputManifest


def hourly_cost_note(provisioned: ThroughputManifest) -> str:
    """
    Return the price as the end of a sentence about buying throughput, such as ", at $24.00 per hour".

    If the price is unknown, return an empty text.
    """
    rate = provisioned.get("usd_per_hour")
    return f", at ${rate:.2f} per hour" if rate is not None else ""


def serving_arn(provisioned: ThroughputManifest, throughput: Throughput | None, *, provision_task: str) -> str | None:
    """
    Return the ARN of the throughput that serves the arm; ``None`` if the arm needs no throughput.

    :param throughput: the throughput as Bedrock describes it now; ``None`` if it does not exist.
    :param provision_task: id of the task that buys the throughput, for messages.
    :raises ThroughputReleasedError: the throughput was released.
    :raises OutcomeError: Bedrock could not create the throughput.
    """
    if provisioned["throughput_arn"] is None:
        return None
    if throughput is None:
        message = (
            f"Throughput {provisioned['throughput_name']} was released; nothing is billed. Clear {provision_task} with"
            f" downstream to buy a new one{hourly_cost_note(provisioned)}."
        )
        raise ThroughputReleasedError(message)
    if THROUGHPUT_STATUS[throughput.status] is Progress.FAILED:
        message = (
            f"Throughput {throughput.name} failed: {throughput.failure_message}. The teardown deletes it. Then"
            f" clear {provision_task} with downstream to buy a new one{hourly_cost_note(provisioned)}."
        )
        raise OutcomeError(message)
    return throughput.arn


def delete_and_wait(hook: BedrockDistillHook, name_or_arn: str, *, wait_seconds: float) -> None:
    """
    Delete a throughput and wait until Bedrock no longer finds it. Bedrock has no status for a deleted throughput.

    :raises WaitTimeoutError: the throughput still exists after ``wait_seconds``, and is still billed.
    """
    hook.delete_throughput(name_or_arn)
    deadline = time.monotonic() + wait_seconds
    while hook.find_throughput(name_or_arn):
        if time.monotonic() > deadline:
            message = (
                f"Bedrock accepted the deletion of throughput {name_or_arn} {wait_seconds:.0f} s ago, but it"
                " still exists and is billed. A retry deletes it again. If it still exists after that, delete it in"
                " the Bedrock console."
            )
            raise WaitTimeoutError(message)
        time.sleep(1)
