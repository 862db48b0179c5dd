"""State of the simulated account: resources, the ledger of calls, quotas and planned faults."""

from __future__ import annotations
