"""
Say which statement of a policy IAM or S3 refuses, and why.

AWS's errors name no statement, and IAM often says only that a policy has syntax errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.documents import read_document, statements
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.stacks.yaml_files import StackError

_WITHOUT_REASON = ("Syntax errors in policy", "The policy failed legacy parsing")


def check_document(where: str, text: str, check: Callable[[str], object]) -> None:
    """
    Check a policy document of a stack.

    :param where: the place of the document in the template.
    :param check: raises ``ServiceError`` or ``S3Error`` if AWS refuses a document.
    :raises StackError: AWS refuses the document. The message names the first statement that AWS refuses by itself.
    """
    message = _refusal(text, check)
    if message is not None:
        raise StackError(f"{where}{_statement(text, check)}: {message}")


def _refusal(text: str, check: Callable[[str], object]) -> str | None:
    try:
        check(text)
    except (ServiceError, S3Error) as error:
        message = f"{error.code}: {error}" if isinstance(error, S3Error) else str(error)
        reason = _reason(text) if message.rstrip(".") in _WITHOUT_REASON else ""
        return f"{message.rstrip('.')}: {reason}" if reason else message
    return None


def _reason(text: str) -> str:
    try:
        read_document(text)
    except PolicyError as error:
        return str(error)
    return ""


def _statement(text: str, check: Callable[[str], object]) -> str:
    """Return the place of the first refused statement; empty if AWS accepts each statement by itself."""
    document = json.loads(text)
    for number, statement in enumerate(statements(document)):
        if _refusal(json.dumps({**document, "Statement": [statement]}), check) is not None:
            sid = statement.get("Sid") if isinstance(statement, dict) else None
            return f".Statement[{number}]" + (f" ({sid})" if sid else "")
    return ""
