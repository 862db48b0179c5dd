"""Connect to AWS for the check of the account."""

from __future__ import annotations

import os

from bedrock_distill.hooks.account import AccountHook, BucketSettings
from include.distill.account_check.reader import Identity
from include.distill.config.use_case import UseCase

CHECK_CONNECTION_VARIABLE = "DISTILL_CHECK_CONN_ID"


class AccountConnections:
    """
    The connections of the check. Each is used for all use cases that share it.

    The check reads with the connection that the variable ``DISTILL_CHECK_CONN_ID`` names, or else with the connection
    of the use case.
    """

    def __init__(self) -> None:
        self._readers: dict[tuple[str, str], AccountHook] = {}
        self._identities: dict[str, Identity] = {}

    def reader(self, use_case: UseCase) -> AccountHook:
        """Return a reader that uses the connection of the check."""
        conn_id, region = self._connection(use_case), use_case.aws.region
        if (conn_id, region) not in self._readers:
            self._readers[conn_id, region] = AccountHook(conn_id, region)
        return self._readers[conn_id, region]

    def store(self, use_case: UseCase) -> BucketSettings:
        """Return the buckets of a use case, read with the connection of the check."""
        conn_id, region = self._connection(use_case), use_case.aws.region
        return BucketSettings(AccountHook(conn_id, region, bucket_owners=use_case.bucket_owners))

    def identity(self, conn_id: str, region: str) -> Identity:
        """Return who calls AWS with a connection."""
        if conn_id not in self._identities:
            self._identities[conn_id] = AccountHook(conn_id, region).identity()
        return self._identities[conn_id]

    def _connection(self, use_case: UseCase) -> str:
        return os.environ.get(CHECK_CONNECTION_VARIABLE) or use_case.aws.conn_id
