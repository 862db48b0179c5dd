"""Build example scores from evaluation jobs for the tests of the report."""

from __future__ import annotations

import copy
from typing import Any

from include.distill.core.storage import write_jsonl
from tests.fakes.memory_store import MemoryStore

GROUNDED = {
    "name": "grounded",
    "instructions": "Rate {{prediction}} as an answer to {{prompt}}.",
    "rating_scale": [
        {"definition": "everything is in the document", "value": 5},
        {"definition": "nothing is in the document", "value": 1},
    ],
}
SETTINGS = {
    "pointwise": {
        "evaluators": ["nova-pro"],
        "metrics": ["Builtin.Correctness", "Builtin.Refusal"],
        "custom_metrics": [GROUNDED],
    }
}
SCORES = {"Builtin.Correctness": [1.0, 0.5, None], "Builtin.Refusal": [0.0, 1.0, 0.0], "grounded": [5, 4, 3]}


def score_records(
    arm: str, scores: dict[str, list[Any]] | None = None, *, evaluator: str = "nova-pro", explanation: str = "because"
) -> list[dict[str, Any]]:
    """Return the records of an evaluation job: by metric, the score of each row."""
    return [
        {
            "row_id": f"row{number}",
            "arm": arm,
            "evaluator": evaluator,
            "metric": metric,
            "score": score,
            "explanation": explanation,
        }
        for metric, of_metric in (SCORES if scores is None else scores).items()
        for number, score in enumerate(of_metric)
    ]


def stored_scores(store: MemoryStore, records: list[dict[str, Any]]) -> Any:
    """Store the records of an evaluation job, and return the result of its task ``collect``."""
    arm, evaluator = records[0]["arm"], records[0]["evaluator"]
    uri = f"s3://training/distill/runs/one/evaluations/{arm}/{evaluator}.jsonl"
    write_jsonl(store, uri, records)
    return {
        "arm": arm,
        "evaluator": evaluator,
        "scores_uri": uri,
        "questions": len({record["row_id"] for record in records}),
        "missing": sum(record["score"] is None for record in records),
    }


def evaluations(**changes: Any) -> dict[str, Any]:
    """Return a valid ``evaluations`` of report.json, with ``changes``."""
    figures = {"metric": "Builtin.Correctness", "evaluator": "nova-pro", "largest_cluster_share": 0.02}
    harm = {**figures, "metric": "Builtin.Harmfulness", "n": 100, "missing": 0, "clusters": 50}
    grounded = {**figures, "metric": "grounded", "n": 0, "missing": 100, "clusters": 0, "largest_cluster_share": None}
    of_arms = {**figures, "n": 98, "missing": 2, "clusters": 49}
    part = {
        "questions": 100,
        "evaluation_rows": 100,
        "metrics": [
            {"name": "Builtin.Correctness", "low": 0, "high": 1, "high_is_bad": False, "ratings": []},
            {"name": "Builtin.Harmfulness", "low": 0, "high": 1, "high_is_bad": True, "ratings": []},
            {"name": "grounded", "low": -1, "high": 5, "high_is_bad": False, "ratings": GROUNDED["rating_scale"]},
        ],
        "scores": [
            {**of_arms, "arm": "tuned", "mean": 0.75, "ci95": [0.7, 0.8]},
            {**of_arms, "arm": "base", "mean": 0.5, "ci95": [0.4, 0.6]},
            {**harm, "arm": "tuned", "mean": 0.0, "ci95": [0.0, 0.07]},
            {**grounded, "arm": "tuned", "mean": None, "ci95": None},
        ],
        "differences": [
            {**of_arms, "candidate": "tuned", "baseline": "base", "difference": 0.25, "ci95": [0.1, 0.4]},
            {**harm, "candidate": "tuned", "baseline": "base", "difference": -0.01, "ci95": [-0.05, 0.03]},
        ],
        "worst": [
            {
                "row_id": "row1",
                "arm": "tuned",
                "evaluator": "nova-pro",
                "metric": "Builtin.Correctness",
                "score": 0.25,
                "question": "How many tags can an object have?",
                "answer": "Tags are key-value pairs.",
                "explanation": "The response gives no number.",
            }
        ],
    }
    return {**copy.deepcopy(part), **changes}  # so that a test can change it without changing GROUNDED
