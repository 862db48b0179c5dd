"""Give a target many inputs, and keep the shortest input of each kind of failure."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from include.distill.core.naming import content_hash
from include.distill.core.paths import PROJECT_ROOT
from tools.fuzz.contract import BrokenContractError, Target, require
from tools.fuzz.mutation import mutate

# Inputs that failed before. Every test run repeats them, and new inputs are also made from them.
CORPUS = PROJECT_ROOT / "tests" / "fuzz_corpus"
# Processor time that no input of at most 16 KiB may need. The slowest reader needs half a second for the largest use
# case, and a busy machine doubles that.
MAX_SECONDS = 5.0


@dataclass
class Failure:
    """One kind of failure: where it happened, its shortest input, and how many inputs failed in this way."""

    place: str
    text: str
    data: bytes
    count: int = 1


@dataclass
class Result:
    """What a target did with its inputs. ``seconds`` is processor time."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


def seeds_of(target: Target, corpus: Path = CORPUS) -> list[bytes]:
    """Return the seeds of a target, and the inputs that failed before."""
    return [*target.seeds, *(path.read_bytes() for path in sorted((corpus / target.name).glob("*")))]


def try_input(target: Target, data: bytes, result: Result) -> None:
    """Read one input, and count it. A failure is recorded, and the next input can be read."""
    start = time.process_time()
    try:
        target.read(data)
        seconds = time.process_time() - start
        require(seconds <= MAX_SECONDS, f"reading {len(data):,} bytes took more than {MAX_SECONDS} s")
    except Exception as error:  # any exception that a target lets through is a failure
        _record(result, error, data)
    finally:
        result.inputs += 1
        result.seconds += time.process_time() - start


def _record(result: Result, error: Exception, data: bytes) -> None:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    is_broken = isinstance(error, BrokenContractError)
    place = f"{type(error).__name__}: {str(error)[:60]}" if is_broken else f"{type(error).__name__} in {frame.name}"
    known = result.failures.get(place)
    if known is None:
        text = "".join(traceback.format_exception(error))[-2_000:]
        result.failures[place] = Failure(place, text, data)
        return
    known.count += 1
    if len(data) < len(known.data):
        known.data = data


def inputs(target: Target, seeds: Sequence[bytes], number: int, seed: int) -> Iterator[bytes]:
    """Yield the seeds of a target, then inputs made from them. The same seed yields the same inputs."""
    yield from seeds
    random = Random(f"{target.name}-{seed}")
    for _ in range(number - len(seeds)):
        yield mutate(random.choice(seeds), random, seeds, target.words)


def run(target: Target, number: int, seed: int) -> Result:
    """Give a target ``number`` inputs, at least its seeds."""
    result = Result(target.name)
    for data in inputs(target, seeds_of(target), number, seed):
        try_input(target, data, result)
    return result


def store(result: Result, folder: Path) -> list[Path]:
    """Write the shortest input of each failure, so that it can be repeated and moved to the corpus."""
    paths = []
    for failure in result.failures.values():
        path = folder / result.target / content_hash(failure.place.encode())[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(failure.data)
        paths.append(path)
    return paths
