"""Write the use case and CSV files of one case. The rows are unique, so no other case can reuse what this case buys."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.local_airflow.callers import CLEAN_UP_CONNECTION, PROMOTION_CONNECTION

TRAINING_ROWS = 8  # the minimum for a training job of a Nova model
EVALUATION_ROWS = 2
DEPLOYMENTS = 100  # the account's quota of deployments, which all cases share
ROLE = "arn:aws:iam::123456789012:role/bedrock-distill-local-jobs"
PREFIX = "chaos-"  # begins the prefix of each case, so that the policies of one stack cover all cases
TRAINING_BUCKET, OUTPUT_BUCKET = "chaos-training", "chaos-output"
FACTS = ("bucket", "queue", "table", "function", "cluster", "topic", "stream", "volume", "gateway", "role", "key")


def document(mark: str, number: int) -> str:
    """Return a document that contains ``mark``, the key of the case."""
    fact = f"{FACTS[number % len(FACTS)]} {number}"
    return (
        f"Service {mark} keeps one {fact} for each account. The {fact} of {mark} holds {number + 3} items at most."
        f" An item in the {fact} is kept for {number + 10} days. Larger limits are granted on request."
    )


def write_rows(path: Path, mark: str, first: int, count: int) -> list[str]:
    """Write a CSV file and return its documents."""
    documents = [document(mark, number) for number in range(first, first + count)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["doc", "question", "answer"])
        for number, text in enumerate(documents, start=first):
            # The number makes questions differ. Otherwise ingest rejects training rows that ask evaluation questions.
            fact = f"{FACTS[number % len(FACTS)]} {number}"
            answer = f"The {fact} of {mark} holds {number + 3} items at most."
            writer.writerow([text, f"How many items does the {fact} of {mark} hold?", answer])
    return documents


def write_use_case(
    folder: Path, name: str, changes: Mapping[str, Mapping[str, Any]], *, training_rows: int = TRAINING_ROWS
) -> list[str]:
    """
    Write the use case ``name`` with its CSV files and return its evaluation documents.

    :param changes: the settings, by section, that differ from the settings of the other cases.
    """
    training, evaluation = folder / f"{name}-train.csv", folder / f"{name}-evaluation.csv"
    write_rows(training, name, 0, training_rows)
    documents = write_rows(evaluation, name, 100, EVALUATION_ROWS)
    raw = quick_use_case(name, training, evaluation, changes)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return documents


def root_of(name: str) -> str:
    """Return the root of the objects of the use case ``name``."""
    return f"s3://{TRAINING_BUCKET}/{PREFIX}{name}"


def quick_use_case(
    name: str, training: Path, evaluation: Path, changes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a use case that polls every few seconds."""
    raw: dict[str, Any] = {
        "name": name,
        "description": "A case of the crash table.",
        "owner": "chaos",
        "schedule": None,
        "aws": {
            "role_arn": ROLE,
            "promotion_conn_id": PROMOTION_CONNECTION,
            "clean_up_conn_id": CLEAN_UP_CONNECTION,
        },
        "storage": {
            "training_bucket": TRAINING_BUCKET,
            "output_bucket": OUTPUT_BUCKET,
            "prefix": f"{PREFIX}{name}",
        },
        "source": {"training_csv": str(training), "evaluation_csv": str(evaluation)},
        "teacher": "claude-sonnet-5-5",
        "student": "nova-micro",
        "judges": ["claude-haiku-4-5"],
        "training": {"poll_interval_seconds": 2},
        "serving": {"mode": "provisioned", "poll_interval_seconds": 2, "deployment_quota": DEPLOYMENTS},
        "approval": {"before_hourly": "never"},  # no case waits for a person
        "arms": [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 0}],
        "fan_out": {"evaluation_tasks": 1, "concurrency": 2},
    }
    for section, values in changes.items():
        raw[section] = {**raw.get(section, {}), **values} if isinstance(values, dict) else values
    return raw
