"""Define the training files that tests store, and their hashes."""

from __future__ import annotations

import hashlib

TRAINING_URI = "s3://bedrock-distill-training/distill/datasets/d/train.jsonl"
VALIDATION_URI = "s3://bedrock-distill-training/distill/datasets/d/validation.jsonl"
TRAINING_FILE, VALIDATION_FILE = b'{"prompt": "a", "completion": "b"}\n', b'{"prompt": "c", "completion": "d"}\n'
TRAINING_SHA256 = hashlib.sha256(TRAINING_FILE).hexdigest()
BOTH_SHA256 = hashlib.sha256(TRAINING_FILE + b"\0" + VALIDATION_FILE).hexdigest()
