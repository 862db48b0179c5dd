"""
Write good pairs and pairs with defects by rules from real rows: what each filter should keep, and what it should drop.

A good pair takes one or two sentences of a row's real answer, and asks for them in words of these sentences. A defect
spoils a good pair in one way. All random choices are seeded.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from include.distill.config.sections import Curation
from include.distill.core.storage import Record
from include.distill.text.normalization import strip_punctuation

GOOD, EACH = 200, 20
TEXTS = Path(__file__).with_name("planted_texts.yaml")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
_WORD = re.compile(r"[^\W\d_][\w-]{3,}")


@dataclass(frozen=True)
class Planted:
    """The ``output`` of a teacher about a row, and the ``kind`` of its defect; ``good`` means that it has none."""

    kind: str
    row: Record
    output: str


@dataclass
class Planting:
    """Rows from which good pairs are made one after the other, each from a different sentence."""

    rows: Sequence[Record]
    evaluation: Sequence[Record]
    settings: Curation
    seed: int
    asked: list[str] = field(default_factory=list)
    random: random.Random = field(init=False)
    _sources: Iterator[tuple[Record, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Shuffle the sentences."""
        self.random = random.Random(self.seed)
        self._sources = self._passages()

    def _passages(self) -> Iterator[tuple[Record, str]]:
        """Yield every row with each part of its answer: first parts of all rows, then second parts; no part twice."""
        parts = [(row, part) for row in self.rows for part in enumerate(_parts(row["answer"]))]
        self.random.shuffle(parts)
        seen: set[str] = set()
        for row, (_, part) in sorted(parts, key=lambda row_and_part: row_and_part[1][0]):
            if strip_punctuation(part) not in seen:
                seen.add(strip_punctuation(part))
                yield row, part

    def pair(self) -> tuple[Record, dict[str, str]]:
        """Return the next row and a good pair on it."""
        for row, part in self._sources:
            words = list(dict.fromkeys(_WORD.findall(part)))
            longest = sorted(sorted(words, key=len, reverse=True)[:6], key=words.index)
            if len(longest) < 4:
                continue
            form = self.random.choice(yaml_texts("forms"))
            question = form.format(" ".join(longest))
            self.asked.append(question)
            return row, {"question": question, "answer": part, "topic": " ".join(longest[:2])}
        message = f"{len(self.rows)} rows do not give enough sentences to plant {GOOD} good pairs and the defects."
        raise ValueError(message)

    def edited(self, question: str) -> str:
        """Return a question that asks the same thing in almost the same words."""
        return self.random.choice(_EDITS)(question)

    def elsewhere(self, row: Record) -> str:
        """Return another row's answer that is not in the row's own document."""
        while True:
            answer: str = self.random.choice(self.rows)["answer"]
            # Retrieved documents share passages. An answer whose middle is in this document is grounded in it.
            middle = strip_punctuation(answer)[len(answer) // 2 :][:40]
            if len(answer) >= 80 and middle not in strip_punctuation(row["document"]):
                return answer[: self.settings.max_answer_characters]


def yaml_texts(name: str) -> list[str]:
    """Return a list of ``planted_texts.yaml``."""
    texts: dict[str, list[str]] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return texts[name]


def _parts(answer: str) -> list[str]:
    """Split an answer into sentences, each short one joined with the next; leave out parts above half of the answer."""
    parts: list[str] = []
    for sentence in _SENTENCE.split(answer.strip()):
        if parts and len(parts[-1]) < 60:
            parts[-1] += f" {sentence}"
        else:
            parts.append(sentence)
    return [part for part in parts if 40 <= len(part) <= 0.5 * len(answer)]


def _misspell(question: str) -> str:
    """Swap two letters in the middle of the longest word."""
    word = max(_WORD.findall(question) or [question], key=len)
    middle = len(word) // 2
    return question.replace(word, word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :], 1)


_EDITS: tuple[Callable[[str], str], ...] = (
    str.upper,
    lambda question: question.rstrip("?").lower(),
    lambda question: f"  {question.replace(' ', '  ')} ?",
    lambda question: f"Please tell me: {question[0].lower()}{question[1:]}",
    lambda question: f"{question} Thank you.",
    lambda question: question.replace("?", "").replace(" ", " ") + "??",
    lambda question: _misspell(question) if len(question) > 60 else question.title(),
)


def plant(rows: Sequence[Record], evaluation: Sequence[Record], settings: Curation, *, seed: int) -> list[Planted]:
    """Return 200 good pairs and 20 defects of each kind, the defects in a shuffled order."""
    planting = Planting(rows, evaluation, settings, seed)
    good = []
    for _ in range(GOOD):
        row, pair = planting.pair()
        good.append(Planted("good", row, json.dumps(pair, ensure_ascii=False)))
    defects = [Planted(kind, *make(planting, number)) for kind, make in DEFECTS.items() for number in range(EACH)]
    planting.random.shuffle(defects)
    return good + defects


def _duplicate(planting: Planting, number: int) -> tuple[Record, str]:
    earlier = list(planting.asked[:GOOD])
    row, pair = planting.pair()
    repeated = (row["question"], planting.random.choice(planting.rows)["question"], planting.random.choice(earlier))
    return row, json.dumps({**pair, "question": planting.edited(repeated[number % 3])})


def _leak(planting: Planting, number: int) -> tuple[Record, str]:
    row, pair = planting.pair()
    return row, json.dumps(
        {**pair, "question": planting.edited(planting.random.choice(planting.evaluation)["question"])}
    )


def _ungrounded(planting: Planting, number: int) -> tuple[Record, str]:
    row, pair = planting.pair()
    return row, json.dumps({**pair, "answer": planting.elsewhere(row)})


def _refusal(planting: Planting, number: int) -> tuple[Record, str]:
    row, pair = planting.pair()
    refusals = yaml_texts("refusals")
    return row, json.dumps({**pair, "answer": refusals[number % len(refusals)]})


def _too_long(planting: Planting, number: int) -> tuple[Record, str]:
    row, pair = planting.pair()
    if number % 4 == 0:
        return row, json.dumps({**pair, "question": row["document"][: planting.settings.max_question_characters * 2]})
    times = 1 + int(1.2 * planting.settings.max_answer_characters / len(row["document"]))
    return row, json.dumps({**pair, "answer": " ".join([row["document"]] * times)})


def _malformed(planting: Planting, number: int) -> tuple[Record, str]:
    row, pair = planting.pair()
    whole = json.dumps(pair)
    spoilt = (
        whole[: len(whole) // 2],
        json.dumps({**pair, "answer": None}),
        json.dumps({**pair, "answer": ""}),
        json.dumps({**pair, "question": " \u00a0"}),
        json.dumps({name: text for name, text in pair.items() if name != "answer"}),
        json.dumps({name: text for name, text in pair.items() if name != "topic"}),
        whole.replace('"answer": "', '"answer": ', 1),
        json.dumps({**pair, "answer": [pair["answer"]]}),
        json.dumps({**pair, "answer": pair["answer"] + "\x00"}),
        f"Q: {pair['question']}\nA: {pair['answer']}",
    )
    return row, spoilt[number % len(spoilt)]


DEFECTS: dict[str, Callable[[Planting, int], tuple[Record, str]]] = {
    "duplicate": _duplicate,
    "leak": _leak,
    "ungrounded": _ungrounded,
    "refusal": _refusal,
    "over-long": _too_long,
    "malformed": _malformed,
}
