"""Answer requests in place of the models: a teacher that writes pairs, a student, a judge and a critic."""

from __future__ import annotations

import hashlib
import json
import re

from include.distill.inference.requests import ModelRequest


def between(tag: str, text: str) -> str:
    """Return the text between a prompt's delimiters."""
    match = re.search(rf"<{tag}>(.*)</{tag}>", text, re.DOTALL)
    return match.group(1).strip() if match else ""


def pairs(request: ModelRequest, count: int = 3) -> str:
    """Answer as the teacher with ``count`` pairs. The questions differ, and each answer occurs in the document."""
    question, document = between("question", request.user), between("document", request.user)
    return "\n".join(
        json.dumps(
            {
                "question": f"What is {hashlib.sha256(f'{question} {n}'.encode()).hexdigest()[:24]}?",
                "answer": f"Secret {chr(ord('a') + n)}: {document}",
                "topic": f"topic {n}",
            }
        )
        for n in range(count)
    )


def verdict(letter: str) -> str:
    """Answer as a judge."""
    return json.dumps({"reason": "A confidential reason.", "verdict": letter})


def grounding(verdict: str) -> str:
    """Answer as a critic."""
    return json.dumps({"reason": "A confidential reason.", "verdict": verdict})


def say(request: ModelRequest) -> str:
    """
    Answer a request in the role that its prompt gives the model.

    The critic finds no fault, and the judge prefers the longer answer.
    """
    if "<number_of_pairs>" in request.user:
        return pairs(request)
    if "<answer_to_check>" in request.user:
        return grounding("GROUNDED")
    if "<answer_a>" in request.user:
        first, second = (len(between(tag, request.user)) for tag in ("answer_a", "answer_b"))
        return verdict("TIE" if first == second else "A" if first > second else "B")
    tuned = request.identity.startswith("arn:")
    return f"Confidential answer to {between('question', request.user)}{' at length' if tuned else ''}"
