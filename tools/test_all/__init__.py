"""Run the unit tests on every supported version of Python that this machine has (``make test-all``)."""

from __future__ import annotations
