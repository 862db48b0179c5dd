"""Deleting a throughput for good: Bedrock has no status for it, so it is gone when it cannot be found any more."""

from __future__ import annotations

import time

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from include.distill.core.errors import WaitTimeoutError


def delete_and_wait(hook: BedrockDistillHook, name_or_arn: str, *, wait_seconds: float) -> None:
    """Delete a throughput and wait until it is gone.

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
