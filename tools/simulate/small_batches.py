"""Let a batch job have few records, so that its schedules have few calls and all of them can be run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from include.distill.config import catalog as pipeline_catalog
from tools.aws_simulator.catalog import catalog as account_catalog

LEAST_RECORDS = 10  # Bedrock needs 100, which are 360 more calls in each run


@contextmanager
def small_batches() -> Iterator[None]:
    """Let the pipeline and the simulated account know a lower limit for the records of a batch job."""
    catalogs: tuple[Any, ...] = (pipeline_catalog.load_catalog(), account_catalog.load_catalog())
    with ExitStack() as stack:
        for catalog in catalogs:
            small = {key: _small(model) for key, model in catalog.models.items() if model.batch}
            stack.enter_context(patch.dict(catalog.models, small))
        yield


def _small(model: Any) -> Any:
    batch = model.batch.model_copy(update={"minimum_records": LEAST_RECORDS})
    return model.model_copy(update={"batch": batch})
