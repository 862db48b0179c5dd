"""
Tell a new endpoint, which Bedrock does not show yet, from one that was deleted although its run still needs it.

The request to create an endpoint always has the same token, so that a lost response does not lead to a second endpoint.
If the endpoint was deleted before its release was recorded, by a person or by the trigger of a task that was marked as
failed, Bedrock ignores the request and names the deleted endpoint. So an endpoint that is missing is only noted. If it
is still missing after :data:`SHOWN_AFTER`, its release is recorded, and the next endpoint gets another name and token.
"""

from __future__ import annotations

import datetime
from typing import TypedDict

from include.distill.config.layout import RunFolder
from include.distill.core.ended_jobs import SHOWN_AFTER
from include.distill.core.storage import ObjectStore, read_json, write_json, write_json_if_absent
from include.distill.cost.throughput_hours import release_record


class MissingEndpoint(TypedDict):
    """An endpoint that Bedrock says it has created, but does not show. ``since`` is in ISO 8601 format."""

    since: str


def counts_as_deleted(store: ObjectStore, folder: RunFolder, arm: str, ordinal: int, *, now: datetime.datetime) -> bool:
    """
    Note that an endpoint is missing. Record its release if it has been missing for too long to be a new one.

    :param ordinal: number of the endpoint among the arm's endpoints in this run, starting at 1.
    :return: whether the endpoint counts as deleted, so that the next one may be created.
    """
    uri, record = folder.missing_endpoint(arm, ordinal), MissingEndpoint(since=now.isoformat())
    write_json_if_absent(store, uri, {**record})
    since = datetime.datetime.fromisoformat(read_json(store, uri, MissingEndpoint)["since"])
    if now - since < SHOWN_AFTER:
        return False
    write_json(store, folder.release_record(arm, ordinal), release_record([], now=now))
    return True
