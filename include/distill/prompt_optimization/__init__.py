"""Optimize the prompt of a base student with a job of Bedrock."""

from __future__ import annotations
