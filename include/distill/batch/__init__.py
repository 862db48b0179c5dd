"""Ask models in Bedrock batch jobs: pick the questions, write the input, collect the results."""

from __future__ import annotations
