"""Measure how often the drift detection flags a quiet night, and how often it detects a planted change."""

from __future__ import annotations
