"""The pages about many nights: an overview of all use cases, and the trend of one use case."""

from __future__ import annotations
