from __future__ import annotations

import json
from typing import Any

from openlineage.client.serde import Serde

from bedrock_distill.lineage.artifacts import TaskLineage, bedrock_resource, stored
from bedrock_distill.lineage.facets import RUN_FACET, ReportedLineage, operator_lineage
from bedrock_distill.lineage.run_facts import RunFacts
from include.distill.dataset.records import Row

MODEL = bedrock_resource("arn:aws:bedrock:us-east-1:123456789012:custom-model/m", "MODEL", "A custom model")


def sent(lineage: ReportedLineage | None) -> dict[str, Any]:
    """Return the parts of a task's event as they are sent."""
    assert lineage is not None
    return {
        "inputs": [json.loads(Serde.to_json(dataset)) for dataset in lineage.inputs],
        "outputs": [json.loads(Serde.to_json(dataset)) for dataset in lineage.outputs],
        "run_facets": {name: json.loads(Serde.to_json(facet)) for name, facet in lineage.run_facets.items()},
    }


def test_an_output_has_its_counts_and_columns() -> None:
    rows = stored("s3://bucket/rows.jsonl", "Accepted rows", rows=7, files=1, record=Row)
    (output,) = sent(operator_lineage(TaskLineage((), (rows,)), {}))["outputs"]
    assert (output["namespace"], output["name"]) == ("s3://bucket", "rows.jsonl")
    counts = output["outputFacets"]["outputStatistics"]
    assert (counts["rowCount"], counts["fileCount"]) == (7, 1)
    assert output["facets"]["documentation"]["description"] == "Accepted rows"
    assert output["facets"]["datasetType"]["datasetType"] == "FILE"
    assert "row_id" in [column["name"] for column in output["facets"]["schema"]["fields"]]


def test_a_model_has_neither_counts_nor_columns() -> None:
    event = sent(operator_lineage(TaskLineage((MODEL,), (MODEL,)), {}))
    (given,), (made,) = event["inputs"], event["outputs"]
    assert made.get("outputFacets", {}) == {}
    assert given["facets"].keys() == made["facets"].keys() == {"documentation", "datasetType"}


def test_the_run_facet_has_only_the_facts_that_are_known() -> None:
    facts: RunFacts = {"run_key": "manual-1", "usd": 0.0, "simulated": True}
    facet = sent(operator_lineage(TaskLineage(), facts))["run_facets"][RUN_FACET]
    assert {key: value for key, value in facet.items() if not key.startswith("_")} == {
        "run_key": "manual-1",
        "usd": 0.0,
        "simulated": True,
    }
