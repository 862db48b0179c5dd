"""Write the training file, identify the customization job, and describe the training data."""

from __future__ import annotations
