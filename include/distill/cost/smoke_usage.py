"""Compute what the smoke prompts of a standing endpoint have cost."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.prices import BillLine, Prices
from include.distill.evaluation.endpoint_records import SmokeUsage


def smoke_lines(usage: SmokeUsage, prices: Prices) -> list[BillLine]:
    """Return the bill lines of the smoke prompts of an endpoint change; empty if the endpoint is billed by the hour."""
    if not usage["deployed"]:
        return []
    return prices.token_lines(
        "smoke prompts", usage["model"], usage["input_tokens"], usage["output_tokens"], deployed=True
    )


def paid_smoke_lines(store: ObjectStore, folder: RunFolder, prices: Prices) -> Iterator[BillLine]:
    """Yield the bill lines of the smoke prompts of all endpoint changes that a run has begun."""
    for uri in store.list(folder.smoke_usages):
        yield from smoke_lines(read_json(store, uri, SmokeUsage), prices)
