"""Simulated S3, backed by moto and a folder of files."""

from __future__ import annotations
