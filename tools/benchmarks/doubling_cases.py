"""Measure how much longer it takes to read a long or hostile text when its length is doubled."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from include.distill.core.yaml_text import MAX_CHARACTERS, YamlTextError, load_yaml
from include.distill.inference.output_parsing import parse_llm_output
from include.distill.inference.verdict_parsing import parse_verdict
from include.distill.text.question_index import Question, QuestionIndex
from tools.benchmarks.bench import Bench
from tools.benchmarks.figures import Figure

Shape = Callable[[int], str]  # makes a text of about the given number of characters
TARGET = 2.5
TRIES = 3  # the shortest time counts, because other processes can only make a measurement longer
SHORTEST_SECONDS = 0.01  # shorter times are too inaccurate to compare
LONGEST_QUESTION = 60_000  # the default of source.max_document_characters
MAX_QUESTION_MB = 100


def repeated(part: str, before: str = "", after: str = "") -> Shape:
    """Return a function that makes a text of about a given number of characters by repeating ``part``."""
    return lambda characters: before + part * (characters // len(part)) + after


PAIR = '{"question": "What is it?", "answer": "A thing.", "topic": "x"}'
BROKEN = '{"question": "What is it?", "answer": "A "thing".", "topic": "x"}'
OUTPUTS: Mapping[str, Shape] = {
    "pairs": repeated(f"{PAIR}\n"),
    "broken objects": repeated(f"{BROKEN}\n"),
    "objects without a closing brace": repeated('{"question":"a","answer":"b","topic":"c" '),
    "450 open lists": repeated("{},", before='{"a":[' * 450),
    "300 open lists of pairs": repeated(f"{PAIR},", before='{"a":[' * 300),
    "open braces": repeated("{"),
    "open lists": repeated('{"a":['),
    "backslashes": repeated("\\"),
    "quotes": repeated('{"'),
    "line breaks": repeated("\n"),
}
REPLY = '{"reason": "r", "verdict": "A"}'
VERDICTS: Mapping[str, Shape] = {
    "line breaks before": repeated("\n", after=REPLY),
    "line breaks after": repeated("\n", before=REPLY),
    "code fences": repeated("`\n", after=REPLY),
    "open objects": repeated('{"a":[\n', after=REPLY),
    "quotes in the reason": repeated('x"y ', before='{"reason": "', after='", "verdict": "A"}'),
    "commas": repeated(", \n", after=REPLY),
}
QUESTIONS: Mapping[str, Shape] = {
    "words": lambda characters: " ".join(f"word{n}" for n in range(characters // 9)),
    "short words": repeated("a b "),
    "sentences": repeated("What is it? "),
    "names": lambda characters: " ".join(f"Amazon Service{n}" for n in range(characters // 19)),
    "backticks": repeated("`"),
    "comments": repeated("<!--"),
    "tags": repeated("<b>x"),
    "Chinese": lambda characters: "".join(chr(0x4E00 + n % 20_000) for n in range(characters)),
}
YAMLS: Mapping[str, Shape] = {
    "brackets": repeated("["),
    "values": repeated("x, ", before="[", after="]"),
    "aliases": repeated("*a, ", before="- &a [x]\n- [", after="]"),
    "keys": lambda characters: "\n".join(f"k{n}: {n}" for n in range(characters // 12)),
}


def find_repeats(text: str) -> None:
    """Add a long question to an index, and search the index for three variants of the question."""
    index = QuestionIndex(threshold=0.8)
    index.add(Question(text))
    index.find_many([Question(f"Please tell me: {text}"), Question(f"{text} Thank you."), Question(text[::2])])


def read_yaml(text: str) -> None:
    """Read a YAML document, or refuse it."""
    with suppress(YamlTextError):
        load_yaml(text)


def doubling(bench: Bench) -> Sequence[Figure]:
    """
    Measure how the time of each reader grows when its text is twice as long, and the memory for one long question.

    Each reader is measured with texts of several shapes that could make it slow.
    """
    characters = bench.sizes.characters
    return [
        slowest_growth("a model's pairs", parse_llm_output, OUTPUTS, characters),
        slowest_growth("a judge's verdict", parse_verdict, VERDICTS, characters),
        slowest_growth("repeated questions", find_repeats, QUESTIONS, characters // 2),
        slowest_growth("YAML", read_yaml, YAMLS, min(characters, MAX_CHARACTERS) // 2),
        question_memory(min(characters, LONGEST_QUESTION)),
    ]


def slowest_growth(reader: str, read: Callable[[str], object], shapes: Mapping[str, Shape], characters: int) -> Figure:
    """Compare the time for a text with the time for one of half its length. Return the largest ratio of all shapes."""
    growths = list(_growths(read, shapes, characters))
    ratio, seconds, shape = max(growths)
    return Figure(
        name=f"reading {reader}, {characters:,} characters: time relative to half",
        ours=ratio,
        ideal=2.0,
        unit="×",
        target=TARGET,
        note=f"{seconds:.2f} s of CPU for the fastest growth, {shape}; {len(growths)} shapes",
    )


def question_memory(characters: int) -> Figure:
    """Return the peak memory of a search for one long question."""
    text = QUESTIONS["short words"](characters)
    tracemalloc.start()
    try:
        find_repeats(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    name = f"a question of {characters:,} characters: peak memory of a search"
    return Figure(name=name, ours=peak / 1e6, ideal=None, unit="MB", target=MAX_QUESTION_MB)


def _growths(
    read: Callable[[str], object], shapes: Mapping[str, Shape], characters: int
) -> Iterator[tuple[float, float, str]]:
    for name, shape in shapes.items():
        half, whole = (_seconds(read, shape(length)) for length in (characters // 2, characters))
        yield (whole / half if whole >= SHORTEST_SECONDS else 0.0), whole, name


def _seconds(read: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(TRIES):
        start = time.process_time()
        read(text)
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)
