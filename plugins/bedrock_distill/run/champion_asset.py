"""Define the asset that triggers other DAGs when a use case has a new champion."""

from __future__ import annotations

from airflow.sdk import Asset


def champion_asset(use_case_name: str) -> Asset:
    """
    Return the asset of a use case's champion. Every promotion emits an event for this asset.

    The event starts every DAG that has ``schedule=[Asset(name="distill_champion_<use case>",
    uri="distill://champions/<use case>")]``. The event's ``extra`` contains ``model_arn``, ``verdict``, ``run_key``,
    ``simulated`` and ``champion_uri``.
    """
    return Asset(name=f"distill_champion_{use_case_name}", uri=f"distill://champions/{use_case_name}")
