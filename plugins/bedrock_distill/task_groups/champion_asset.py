"""Define the asset that other DAGs follow to learn of a use case's new champion."""

from __future__ import annotations

from airflow.sdk import Asset


def champion_asset(use_case_name: str) -> Asset:
    """
    Return the asset that gets an event with every promotion.

    A DAG with ``schedule=[Asset(name="distill_champion_<use case>", uri="distill://champions/<use case>")]`` then runs.
    The event's ``extra`` contains ``model_arn``, ``verdict``, ``run_key``, ``simulated`` and ``champion_uri``.
    """
    return Asset(name=f"distill_champion_{use_case_name}", uri=f"distill://champions/{use_case_name}")
