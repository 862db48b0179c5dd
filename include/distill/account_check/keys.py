"""Check that the KMS keys of jobs and buckets exist and are enabled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from include.distill.account_check.findings import Finding, missing, ok
from include.distill.account_check.reader import AccountReader, attempt
from include.distill.core.errors import NotFoundError

_ENABLED = "Enabled"


def key_findings(reader: AccountReader, keys: Iterable[str | None]) -> Iterator[Finding]:
    """
    Yield whether each KMS key is enabled.

    :param keys: ARNs or ids of keys. ``None`` and an empty text stand for AWS's own key, which needs no check.
    """
    for key in dict.fromkeys(filter(None, keys)):
        check = f"KMS key {key}"
        try:
            state = attempt(check, "kms:DescribeKey", partial(reader.key_state, key))
        except NotFoundError:
            detail = "The key does not exist in this account and Region"
            yield missing(check, detail, "aws kms list-keys  # choose another key")
            continue
        if isinstance(state, Finding):
            yield state
        elif state == _ENABLED:
            yield ok(check)
        else:
            command = "kms cancel-key-deletion" if state == "PendingDeletion" else "kms enable-key"
            yield missing(check, f"The state of the key is {state}", f"aws {command} --key-id {key}")
