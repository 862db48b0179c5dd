"""Create in the simulated account what CloudFormation templates describe."""

from __future__ import annotations
