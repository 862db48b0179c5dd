"""Call models: requests, output parsing, the answer store, rate limits and concurrency."""

from __future__ import annotations
