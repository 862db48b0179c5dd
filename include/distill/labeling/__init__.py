"""Have people label a blinded sample: sheets, and the store of their labels."""

from __future__ import annotations
