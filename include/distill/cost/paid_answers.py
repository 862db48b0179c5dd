"""
Add up what a run has paid for model calls, from the stored answers.

The report's bill is made from the results of tasks. A task that was killed has no result, but its answers are stored,
and each answer names the run that paid for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from include.distill.cleanup.listing import ListingStore
from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError, UseCaseError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.prices import BillLine, Prices
from include.distill.inference.lost_calls import lost_call_records
from include.distill.inference.records import StoredAnswerRecord

_THREADS = 16


def paid_call_lines(store: ListingStore, folder: RunFolder, prices: Prices) -> list[BillLine]:
    """
    Return the bill of the model calls that a run has paid for so far.

    Calls of custom models on provisioned throughput are left out, because it is billed by the hour. A call whose answer
    did not arrive is counted at its highest possible cost. A run that has not claimed its folder has paid for nothing.
    """
    try:
        claimed = [stored.modified for stored in store.describe(folder.run_record)]
    except NotFoundError:  # not even the bucket exists
        return []
    if not claimed:
        return []
    # A run pays for nothing before it claims its folder, so older answers need not be read.
    uris = [stored.uri for stored in store.describe(f"{folder.responses}/") if stored.modified >= claimed[0]]
    tokens: Counter[tuple[str, str, bool, bool, int]] = Counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        for record in pool.map(lambda uri: _read(store, uri), uris):
            if record and record["paid_by"] == folder.run_key and (model := _model(record)):
                kind = model, record.get("batch", False), "deployed" in record
                tokens["calls", *kind, 0] += record["completion"]["input_tokens"]
                tokens["calls", *kind, 1] += record["completion"]["output_tokens"]
    for call in lost_call_records(store, folder.lost_calls):
        what = "calls without an answer (at most)"
        kind = call["model"], call.get("batch", False), call.get("deployed", False)
        tokens[what, *kind, 0] += call["input_tokens"]
        tokens[what, *kind, 1] += call["output_tokens"]
    return list(_lines(tokens, prices))


def _lines(tokens: Counter[tuple[str, str, bool, bool, int]], prices: Prices) -> Iterator[BillLine]:
    for what, model, batch, deployed in sorted({key[:4] for key in tokens}):
        counts = tokens[what, model, batch, deployed, 0], tokens[what, model, batch, deployed, 1]
        yield from prices.token_lines(what, model, *counts, batch=batch, deployed=deployed)


def _read(store: ObjectStore, uri: str) -> StoredAnswerRecord | None:
    try:
        return read_json(store, uri, StoredAnswerRecord)
    except (NotFoundError, ValueError):  # deleted in the meantime, or not an answer
        return None


def _model(record: StoredAnswerRecord) -> str | None:
    """
    Return the catalog key of the model whose prices apply to an answer's tokens; ``None`` if they are not billed.

    The tokens of a custom model are not billed on provisioned throughput, which is billed by the hour. They are billed
    on a deployment.
    """
    if "deployed" in record:
        return record["deployed"]
    try:
        return load_catalog().model(record["identity"]).key
    except UseCaseError:
        return None
