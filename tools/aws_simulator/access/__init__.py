"""Evaluate IAM policies by the rules in AWS's documentation. The package knows nothing about the simulator's state."""

from __future__ import annotations
