"""Shared basics: errors, object storage, resource names, paths and a single-flight cache."""

from __future__ import annotations
