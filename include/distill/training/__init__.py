"""Write the training file, identify the customization job, and describe the data it learns from."""

from __future__ import annotations
