"""
Print the Airflow pools that the use cases need, as JSON for ``airflow pools import``.

Usage: ``python -m include.distill.pools``
"""

from __future__ import annotations

import json
import sys

from include.distill.config.loader import load_use_cases
from include.distill.inference.pools import required_pools

if __name__ == "__main__":
    json.dump(required_pools(load_use_cases().valid), sys.stdout, indent=2)
