"""Provide what all packages share: errors, causes of failed jobs, storage, input files, names, paths and a cache."""

from __future__ import annotations
