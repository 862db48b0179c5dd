"""Fuzz several targets, measure how their readers grow, and describe the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from include.distill.core.paths import PROJECT_ROOT
from tools.fuzz import engine, growth, guided
from tools.fuzz.engine import Result
from tools.fuzz.growth import Growth
from tools.fuzz.targets import TARGETS, divide

FAILED = PROJECT_ROOT / ".local" / "fuzz"


class Summary(TypedDict):
    """The part of ``.local/simulate.json`` about inputs. ``failures`` also counts readers that grow too fast."""

    inputs: int
    seconds: float
    failures: int


def run_targets(
    names: Sequence[str], inputs: int, seed: int, say: Callable[[str], object], *, is_guided: bool = False
) -> list[Result]:
    """
    Give the targets their shares of the inputs, and store the inputs that failed below ``.local/fuzz``.

    :param names: names of targets; all targets if it is empty.
    :param say: is called with one line for each target, and with each failure.
    :param is_guided: whether atheris chooses the inputs from which others are made.
    """
    chosen = [TARGETS[name] for name in names or TARGETS]
    numbers, results = divide(inputs, chosen), []
    for target in chosen:
        number = numbers[target.name]
        result = guided.run(target.name, number, seed) if is_guided else engine.run(target, number, seed)
        results.append(result)
        paths = engine.store(result, FAILED)
        per_second = result.inputs / max(result.seconds, 1e-9)
        say(f"{target.name}: {result.inputs:,} inputs, {per_second:,.0f} a second, {len(paths)} kinds of failures")
        for failure, path in zip(result.failures.values(), paths, strict=True):
            say(f"  {failure.count:,} inputs: {failure.place}. The shortest is {_shown(path)}.\n{failure.text}")
    return results


def _shown(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path)


def measure_growth(say: Callable[[str], object]) -> list[Growth]:
    """Return the shapes of inputs whose time of reading grows faster than their size."""
    too_fast = []
    for shape in growth.SHAPES:
        found = growth.measure(shape)
        say(f"{found.shape}: twice as many as {found.size:,} take {found.ratio} times as long ({found.seconds} s)")
        if not found.is_linear:
            too_fast.append(found)
    return too_fast


def summarize(results: Iterable[Result], too_fast: Sequence[Growth]) -> Summary:
    """Return the counts for ``.local/simulate.json``."""
    known = list(results)
    return {
        "inputs": sum(result.inputs for result in known),
        "seconds": round(sum(result.seconds for result in known), 1),
        "failures": sum(len(result.failures) for result in known) + len(too_fast),
    }


def fuzz(inputs: int, seed: int, say: Callable[[str], object], *, measures_growth: bool = True) -> Summary:
    """Fuzz all targets without atheris, measure the growth of their readers if asked to, and return the counts."""
    results = run_targets([], inputs, seed, say)
    return summarize(results, measure_growth(say) if measures_growth else [])
