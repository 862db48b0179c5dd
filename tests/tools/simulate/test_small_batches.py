"""The pipeline and the simulated account know the same lower limit, and only while the simulation is open."""

from __future__ import annotations

from include.distill.config import catalog as pipeline_catalog
from tools.aws_simulator.catalog import catalog as account_catalog
from tools.simulate.small_batches import LEAST_RECORDS, small_batches


def limits() -> set[int]:
    catalogs = (pipeline_catalog.load_catalog(), account_catalog.load_catalog())
    return {model.batch.minimum_records for catalog in catalogs for model in catalog.models.values() if model.batch}


def test_batch_jobs_are_small_only_in_the_simulation() -> None:
    with small_batches():
        assert limits() == {LEAST_RECORDS}
    assert limits() == {100}
