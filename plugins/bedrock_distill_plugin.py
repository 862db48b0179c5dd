"""The one plugin that Airflow loads from this folder; the package beside it is imported by name."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class BedrockDistillPlugin(AirflowPlugin):
    """Make the project known to ``airflow plugins``."""

    name = "bedrock_distill"
