"""Let people label a blinded sample: the sample, the sheets, and the store of labels."""

from __future__ import annotations
