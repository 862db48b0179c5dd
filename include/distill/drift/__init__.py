"""Detect whether the figures of a run differ from those of the nights before by more than chance."""

from __future__ import annotations
