"""Read the hand-written questions and answers that calibrate, test and confirm the grounding check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

FOLDER = Path(__file__).parent
OTHER_LANGUAGES = "xx"
"""Stands for every language but English in the names of files."""

Half = Literal["calibration", "test", "held_out"]
Label = Literal["faithful", "unfaithful"]
Kind = Literal[
    "paraphrase",
    "steps",
    "table",
    "yes_no",
    "short",
    "summary",
    "translation",
    "swapped_number",
    "swapped_entity",
    "negation",
]
HALVES: tuple[Half, ...] = ("calibration", "test")
PARTS: tuple[Half, ...] = get_args(Half)
"""Both halves, and the held-out part, which was written after the check had been tuned on them."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Document:
    """A text that answers are checked against."""

    document_id: str
    half: Half
    text: str
    source: str
    licence: str


@dataclass(frozen=True)
class Item:
    """An answer to a question about a document, with a label that says whether the document supports it."""

    id: str
    kind: Kind
    label: Label
    form: str
    language: str
    document_id: str
    question: str
    answer: str
    half: Half
    note: str
    changed_from: str
    changed_to: str


def read_items(half: Half, language: str = "en") -> list[Item]:
    """Read the items of one part: those in English, or those in `OTHER_LANGUAGES`."""
    return [Item(**values) for values in _read_jsonl(FOLDER / f"{half}_{language}.jsonl")]


def read_documents(language: str = "en") -> dict[str, Document]:
    """Read the documents of all parts by their ids.

    Items in `OTHER_LANGUAGES` also refer to English documents, because some of them are translations.
    """
    documents = [Document(**values) for values in _read_jsonl(FOLDER / f"documents_{language}.jsonl")]
    return {document.document_id: document for document in documents}


def half_of(text: str) -> Half:
    """Return the half that a document belongs to, unless it is held out. It depends on nothing but the text."""
    first_byte = hashlib.sha256(text.encode()).digest()[0]
    return "test" if first_byte % 2 else "calibration"


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)
