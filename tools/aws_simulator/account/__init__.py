"""State of the simulated account: resources, rate quotas, planned faults, and the ledger of calls."""

from __future__ import annotations
