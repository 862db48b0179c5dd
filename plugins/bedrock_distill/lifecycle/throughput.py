"""Check whether a provisioned throughput is in service, describe its hourly cost, and delete it."""

from __future__ import annotations

import time

from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import (
    FAILED_TASK,
    ContractError,
    OutcomeError,
    ThroughputFailedError,
    ThroughputReleasedError,
)
from include.distill.core.job_failures import stated_reason
from include.distill.cost.records import ReleasedThroughput
from include.distill.inference.records import ThroughputManifest


def hourly_cost_note(provisioned: ThroughputManifest) -> str:
    """
    Return the price as the end of a sentence about buying throughput, such as ", at $24.00 per hour".

    If the price is unknown, return an empty text.
    """
    rate = provisioned.get("usd_per_hour")
    return f", at ${rate:.2f} per hour" if rate is not None else ""


def released_throughput(throughput: Throughput) -> ReleasedThroughput:
    """Return the entry of a throughput in a release record."""
    entry: ReleasedThroughput = {
        "name": throughput.name,
        "created": throughput.created.isoformat(),
        "units": throughput.units,
    }
    if THROUGHPUT_STATUS.get(throughput.status) is Progress.FAILED:
        entry["failed"] = True
    return entry


def release_first(release_task: str, what: str) -> str:
    """Return that the task ``release`` deletes an endpoint, and what to do if ``release`` fails, as sentences."""
    return (
        f"{release_task} runs next and deletes {what}. If it fails: clear no other task of this arm before"
        f" {release_task} has succeeded, because that would buy a second endpoint."
    )


def serving_arn(
    provisioned: ThroughputManifest, throughput: Throughput | None, *, provision_task: str, release_task: str
) -> str | None:
    """
    Return the ARN of the throughput that serves the arm; ``None`` if the arm needs no throughput.

    :param throughput: the throughput as Bedrock describes it now; ``None`` if it does not exist.
    :param provision_task: id of the task that buys the throughput, for messages.
    :param release_task: id of the task that deletes it, for messages.
    :raises ThroughputReleasedError: the throughput was released.
    :raises ThroughputFailedError: Bedrock could not create the throughput, which is final.
    :raises ContractError: the throughput has a status that this pipeline does not know.
    """
    if provisioned["throughput_arn"] is None:
        return None
    price = hourly_cost_note(provisioned)
    if throughput is None:
        raise ThroughputReleasedError(
            f"Throughput {provisioned['throughput_name']} was released.",
            billed="Nothing is billed for it.",
            then_clear=task_to_clear(provision_task),
            effect=f"buys a new one{price}",
        )
    progress = THROUGHPUT_STATUS.get(throughput.status)
    if progress is None:
        raise ContractError(
            f"Throughput {throughput.name} has the unknown status {throughput.status!r}.",
            left=release_first(release_task, f"throughput {throughput.name}"),
            billed=f"Throughput {throughput.name} until {release_task} has deleted it{price}.",
            to_do="Report the error as a bug, with this log.",
            then_clear=task_to_clear(provision_task),
            effect=f"buys a new one{price}",
        )
    if progress is Progress.FAILED:
        reason = stated_reason(throughput.failure_message)
        raise ThroughputFailedError(
            f"Throughput {throughput.name} failed: {reason}.",
            left=release_first(release_task, f"throughput {throughput.name}"),
            billed=(
                f"Throughput {throughput.name} until {release_task} has deleted it, if Bedrock bills throughput that"
                f" failed{price}."
            ),
            to_do="If an earlier endpoint of this run has also failed, ask AWS's support first.",
            then_clear=task_to_clear(provision_task),
            effect=f"buys a new one{price}",
        )
    return throughput.arn


def delete_and_wait(hook: BedrockDistillHook, name_or_arn: str, *, wait_seconds: float) -> None:
    """
    Delete a throughput and wait until Bedrock no longer finds it. Bedrock has no status for a deleted throughput.

    :raises OutcomeError: the throughput still exists after ``wait_seconds``, and is still billed.
    """
    hook.delete_throughput(name_or_arn)
    deadline = time.monotonic() + wait_seconds
    while hook.find_throughput(name_or_arn):
        if time.monotonic() > deadline:
            raise OutcomeError(
                f"Bedrock accepted the deletion of throughput {name_or_arn} {wait_seconds:.0f} s ago, but it"
                " still exists.",
                then_clear=FAILED_TASK,
                effect="deletes it again",
            )
        time.sleep(1)
