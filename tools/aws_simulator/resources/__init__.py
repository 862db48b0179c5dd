"""Simulated Bedrock resources: foundation models, custom models, provisioned throughput and tags."""

from __future__ import annotations
