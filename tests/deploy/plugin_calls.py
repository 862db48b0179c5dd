"""Find the calls to AWS that the plugins make, and the actions that AWS checks for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from include.distill.core.paths import PROJECT_ROOT

# boto3's method -> the actions that AWS checks. They are named like the operation, except for these.
_OTHER_ACTIONS = {
    "converse": ["bedrock:InvokeModel"],
    "invoke_model": ["bedrock:InvokeModel"],
    "list_objects_v2": ["s3:ListBucket"],
    "head_bucket": ["s3:ListBucket"],
    "head_object": ["s3:GetObject"],
    "get_bucket_cors": ["s3:GetBucketCORS"],
    "get_bucket_encryption": ["s3:GetEncryptionConfiguration"],
    "get_bucket_lifecycle_configuration": ["s3:GetLifecycleConfiguration"],
    "get_public_access_block": ["s3:GetBucketPublicAccessBlock"],
    "upload_fileobj": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "copy": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
    "delete_objects": ["s3:DeleteObject"],
}
_PREFIXES = {"bedrock-runtime": "bedrock", "service-quotas": "servicequotas"}


def called_methods() -> set[tuple[str, str]]:
    """Return each service and boto3 method that the plugins call."""
    # The model chooses the method of a call to a model: BedrockDistillHook.ask.
    return {*named_methods(), ("bedrock-runtime", "converse"), ("bedrock-runtime", "invoke_model")}


def named_methods(files: str = "*.py") -> Iterator[tuple[str, str]]:
    """Yield each service and boto3 method that the files of the plugins name."""
    for path in (PROJECT_ROOT / "plugins").rglob(files):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if node.func.attr in ("call", "pages") and len(names) >= 2:
                yield str(names[0]), str(names[1])
            if node.func.attr == "paginate":
                yield "bedrock", str(names[0])


def actions_of(service: str, method: str) -> list[str]:
    """Return the actions that AWS checks for a method of boto3."""
    operation = "".join(word.capitalize() for word in method.split("_"))
    return _OTHER_ACTIONS.get(method, [f"{_PREFIXES.get(service, service)}:{operation}"])


def needed_actions() -> set[str]:
    """Return the actions of all calls of the plugins."""
    return {action for service, method in called_methods() for action in actions_of(service, method)}
