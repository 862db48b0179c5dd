"""Evaluation jobs of Bedrock: requests, datasets and results."""

from __future__ import annotations
