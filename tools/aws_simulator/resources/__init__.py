"""Simulated Bedrock resources: foundation models, custom models, provisioned throughput, deployments and tags."""

from __future__ import annotations
