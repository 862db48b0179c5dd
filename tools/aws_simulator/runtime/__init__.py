"""Simulated Bedrock Runtime: Converse, InvokeModel and CountTokens."""

from __future__ import annotations
