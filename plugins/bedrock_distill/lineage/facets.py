"""
Convert lineage to the classes of Airflow's OpenLineage provider.

Only the methods that the provider calls import this module, because the provider may be missing.
"""

from __future__ import annotations

from typing import TypeAlias

import attr
from airflow.providers.common.compat.openlineage.facet import (
    Dataset,
    DatasetFacet,
    DocumentationDatasetFacet,
    InputDataset,
    OutputDataset,
    OutputStatisticsOutputDatasetFacet,
    RunFacet,
    SchemaDatasetFacet,
    SchemaDatasetFacetFields,
)
from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.generated.base import OutputDatasetFacet
from openlineage.client.generated.dataset_type_dataset import DatasetTypeDatasetFacet

from bedrock_distill.lineage.artifacts import Artifact, TaskLineage
from bedrock_distill.lineage.run_facts import RunFacts

ReportedLineage: TypeAlias = OperatorLineage[Dataset, RunFacet]
# The name of the run facet with the facts about a run.
RUN_FACET = "bedrock_distill"


@attr.define
class DistillRunFacet(RunFacet):
    """The facts about a run. :class:`bedrock_distill.lineage.run_facts.RunFacts` explains them."""

    environment: str | None = None
    use_case: str | None = None
    run_key: str | None = None
    arm: str | None = None
    shard: int | None = None
    judge: str | None = None
    simulated: bool | None = None
    calls: int | None = None
    stored_answers: int | None = None
    usd: float | None = None
    estimated_usd: float | None = None
    training_loss: float | None = None
    verdict: str | None = None


def operator_lineage(lineage: TaskLineage, facts: RunFacts) -> ReportedLineage:
    """Return what the provider sends in the event of a task."""
    return OperatorLineage(
        inputs=[InputDataset(one.namespace, one.name, facets=_facets(one)) for one in lineage.inputs],
        outputs=[
            OutputDataset(one.namespace, one.name, facets=_facets(one), outputFacets=_output_facets(one))
            for one in lineage.outputs
        ],
        run_facets={RUN_FACET: DistillRunFacet(**facts)},
    )


def _facets(artifact: Artifact) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {
        "documentation": DocumentationDatasetFacet(description=artifact.description),
        "datasetType": DatasetTypeDatasetFacet(datasetType=artifact.kind),
    }
    if artifact.columns:
        fields = [SchemaDatasetFacetFields(name=column) for column in artifact.columns]
        facets["schema"] = SchemaDatasetFacet(fields=fields)
    return facets


def _output_facets(artifact: Artifact) -> dict[str, OutputDatasetFacet]:
    if artifact.rows is None and artifact.files is None:
        return {}
    return {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=artifact.rows, fileCount=artifact.files)}
