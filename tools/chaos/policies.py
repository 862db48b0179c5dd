"""Write the stack of the simulated accounts. Its policies cover every case, although each case has its own prefix."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from include.distill.core.paths import PROJECT_ROOT
from tools.chaos.fixtures import OUTPUT_BUCKET, PREFIX, TRAINING_BUCKET
from tools.local_airflow.callers import CHECK, CLEAN_UP, PROMOTION, RUN

TEMPLATE = PROJECT_ROOT / "deploy" / "cloudformation" / "bedrock-distill.yaml"
# An installation has one prefix, and its template refuses a wildcard.
_PATTERN_OF_PREFIX = re.compile(r"(?m)^(  Prefix:\n(?:    .*\n)*?)    AllowedPattern: .*\n")


def write_stack(folder: Path) -> Path:
    """Write a stack deployment file and its template to a folder, and return the path of the deployment file."""
    text, changed = _PATTERN_OF_PREFIX.subn(r"\1", TEMPLATE.read_text(encoding="utf-8"))
    if changed != 1:
        raise ValueError(f"{TEMPLATE} has no AllowedPattern of the parameter Prefix. Nothing was started.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEMPLATE.name).write_text(text, encoding="utf-8")
    deployment = {
        "template-file-path": TEMPLATE.name,
        "parameters": {
            "Environment": "local",
            "Prefix": f"{PREFIX}*",
            "TrainingBucketName": TRAINING_BUCKET,
            "OutputBucketName": OUTPUT_BUCKET,
            "RunRoles": RUN,
            "PromotionRoles": PROMOTION,
            "CleanUpRoles": CLEAN_UP,
            "CheckRoles": CHECK,
        },
    }
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(deployment), encoding="utf-8")
    return path
