"""
Build the ARNs of the KMS keys that requests name.

The simulator has no KMS: it encrypts nothing, and any key is accepted.
"""

from __future__ import annotations

import uuid

from tools.aws_simulator.account.calls import ACCOUNT_ID


def key_arn(region: str, identifier: str) -> str:
    """
    Return the ARN of the key that a request names by its ARN, id or alias.

    Bedrock's responses contain the ARN of the key, even if the request named an alias. The simulator makes the id of
    the key from the alias, so that an alias always stands for the same key.
    """
    if ":key/" in identifier:
        return identifier
    alias = identifier.rpartition(":")[2]
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, alias)) if alias.startswith("alias/") else alias
    account = identifier.rpartition(":")[0] or f"arn:aws:kms:{region}:{ACCOUNT_ID}"
    return f"{account}:key/{key}"
