"""Evaluate IAM policies as AWS documents it. The package knows nothing about the simulator's state."""

from __future__ import annotations
