"""
Write the thinking of a simulated model, and recognize its signature when the thinking is sent back.

A signature holds a digest of the text, and a second digest, which is computed from the first. Some models send their
thinking to the client without its text. The second digest makes it possible to recognize that thinking too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from tools.aws_simulator.models.conversation import Thinking
from tools.aws_simulator.models.text import content_terms, words

if TYPE_CHECKING:
    from tools.aws_simulator.models.conversation import Conversation

_TERMS = 8
_DIGEST_BYTES = 32


def think(conversation: Conversation) -> Thinking:
    """Return the thinking that precedes the answer to a conversation."""
    asked = words(conversation.user)
    terms = content_terms(asked)
    topics = [word for word in dict.fromkeys(asked) if content_terms([word]) & terms][:_TERMS]
    text = f"Simulated reasoning, because no real model runs here. The last message is about: {', '.join(topics)}."
    return Thinking(text, _signature(text))


def is_genuine(thinking: Thinking) -> bool:
    """Return whether a simulated model wrote this thinking. Without its text, only the signature is checked."""
    try:
        data = base64.b64decode(thinking.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    digest, seal = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return seal == _seal(digest) and (not thinking.text or digest == _digest(thinking.text))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _seal(digest: bytes) -> bytes:
    return hashlib.sha256(b"simulated" + digest).digest()


def _signature(text: str) -> str:
    digest = _digest(text)
    return base64.b64encode(digest + _seal(digest)).decode()
