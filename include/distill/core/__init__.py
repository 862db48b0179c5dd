"""Provide what all packages share: errors, storage, input files, names, paths, token estimates and a cache."""

from __future__ import annotations
