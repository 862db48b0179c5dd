"""Ask models in Bedrock batch jobs: pick the requests, write the input files, collect the answers."""

from __future__ import annotations
