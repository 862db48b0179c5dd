"""Buy a resource once, tag it, release it, and stop what an abandoned run has left running."""

from __future__ import annotations
