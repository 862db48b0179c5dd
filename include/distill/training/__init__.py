"""Write training files, compute the fingerprints of training jobs, and build data cards."""

from __future__ import annotations
