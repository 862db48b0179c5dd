"""Simulate crashes of the pipeline: ``make simulate SIMULATE="--quick --seed 1"``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.distill.core.paths import PROJECT_ROOT
from tools.simulate.environment import prepare
from tools.simulate.first_failure import FirstFailure
from tools.simulate.plan import Plan, digest_of_code
from tools.simulate.processes import cores, run_all
from tools.simulate.shares import Fuzzed, Share, forget, load, merge, store, write_json

RESULT = PROJECT_ROOT / ".local" / "simulate.json"
SHARES = PROJECT_ROOT / ".local" / "simulate"
REPLAYS = PROJECT_ROOT / "tests" / "replays"
QUICK_SECONDS = 450.0  # each part runs its mechanisms and its first schedules even if it then takes longer
INTERRUPTED = 130
_OF_THE_PLAN = ("quick", "seed", "drawn", "depth", "minutes", "fuzz", "fail_fast")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulation, write ``.local/simulate.json``, and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    number, of = options.only_share or options.part or (0, cores())
    plan = Plan(of=of, **{name: getattr(options, name) for name in _OF_THE_PLAN})
    folder, failed = SHARES / plan.key(digest_of_code()), ""
    failure = FirstFailure(folder / "failed" if plan.fail_fast else None)
    try:
        if options.part:
            failure.forget()
        if number:
            store(folder, number, run_share(plan, number, failure))
        else:
            forget(folder)
            shares = [f"{one + 1}/{of}" for one in range(of)]
            commands = [[sys.executable, "-m", "tools.simulate", *given, "--only-share", one] for one in shares]
            failed = crashed(given, dict(zip(shares, run_all(commands), strict=True)))
    except KeyboardInterrupt:
        sys.stdout.write(f"Interrupted. Nothing of the simulation still runs, and {RESULT} is unchanged.\n")
        return INTERRUPTED
    if options.only_share:
        return 0
    code = _report(plan, number, load(folder, plan))
    sys.stdout.write(failed)
    return 1 if failed else code


def crashed(given: Sequence[str], codes: Mapping[str, int]) -> str:
    """
    Say which shares have crashed, and what to do. Return an empty text if none has.

    :param given: the arguments of the command.
    :param codes: the exit code of each share; negative if a signal has killed it.
    """
    lines = []
    for share, code in codes.items():
        if code:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            again = " ".join([*given, "--part", share])
            lines.append(
                f"Share {share} {how}. Its error is above. The results of the other shares are stored. Run this one"
                f' again: make simulate SIMULATE="{again}"\n'
            )
    return "".join(lines)


def _report(plan: Plan, number: int, shares: Mapping[int, Share]) -> int:
    """Write the merged result, and return the exit code. ``number`` is the share that has just run; 0 for all."""
    result = merge(plan, shares)
    write_json(RESULT, result)
    sys.stdout.write(summary(result))
    if "missing" not in result:
        return 0 if is_good(result) else 1
    return 0 if number and has_no_failure(merge(plan, {number: shares[number]})) else 1


def run_share(plan: Plan, number: int, failure: FirstFailure) -> Share:
    """Run a share in this process."""
    began, deadline = time.time(), time.monotonic() + QUICK_SECONDS
    with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
        prepare(Path(folder))
        # This module imports Airflow and the plugins, which need the prepared environment.
        from tools.simulate.session import Session

        fuzzed = _fuzz(plan, number) if plan.fuzz else None
        if fuzzed and fuzzed["failures"]:
            failure.report()
        found = Session(plan, number, Path(folder) / "use_cases", REPLAYS, deadline, failure).run()
    return {**found, "began": began, "ended": time.time(), "fuzz": fuzzed}


def _fuzz(plan: Plan, number: int) -> Fuzzed:
    """Read the share's part of the mutated inputs. The first share also measures how the time of reading grows."""
    from tools.fuzz.session import fuzz

    counts = fuzz(
        plan.share(number, plan.fuzz),
        plan.seed * plan.of + number - 1,
        lambda line: sys.stdout.write(f"{line}\n"),
        measures_growth=number == 1,
    )
    return {"inputs": counts["inputs"], "seconds": counts["seconds"], "failures": counts["failures"]}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stop after about ten minutes")
    parser.add_argument("--seed", type=int, default=1, help="decides the order, the drawn schedules and the inputs")
    parser.add_argument("--part", type=_share, help="run only the share i/n; otherwise, each core runs a share")
    parser.add_argument("--only-share", type=_share, help=argparse.SUPPRESS)  # as --part, but merges nothing
    parser.add_argument("--drawn", type=int, default=0, help="how many schedules of two or three faults to draw")
    parser.add_argument("--depth", type=int, choices=(1, 2), default=1, help="2: enumerate schedules of two faults too")
    parser.add_argument("--minutes", type=float, default=120.0, help="how long to enumerate schedules of two faults")
    parser.add_argument("--fuzz", type=int, default=10_000, help="how many mutated inputs to read; 0 for none")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failure of all shares")
    options = parser.parse_args(arguments)
    if options.quick and options.depth > 1:
        parser.error("--quick ends before --depth 2 would begin; leave one of them out.")
    return options


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"it is {text}; expected i/n with i from 1 to n.")
    return int(number), int(of)


def has_no_failure(result: Mapping[str, Any]) -> bool:
    """Return whether no schedule and no mutated input failed."""
    return not (result["failures"] or result.get("fuzz", {}).get("failures"))


def is_good(result: Mapping[str, Any]) -> bool:
    """Return whether nothing failed, everything was reached, and every removed mechanism was noticed."""
    missed = [one for one in result["scoreboard"] if one["caught_after"] is None]
    return has_no_failure(result) and not (result["unreached"] or missed or "missing" in result)


def _trial(one: Mapping[str, Any]) -> str:
    if error := one.get("error"):
        return f"the trial proves nothing. {error}"
    if one["caught_after"] is None:
        return "never noticed."
    return f"noticed after {one['caught_after']} schedules. {one['noticed_by']}"


def summary(result: Mapping[str, Any]) -> str:
    """Return the result as text."""
    lines = [f"{result['schedules']:,} schedules in {result['seconds']} s: {result['failures']} failures."]
    if "pairs" in result:
        lines.append(f"{result['pairs']:,} of {result['of_pairs']:,} schedules with two faults of the parts that buy.")
    lines += [f"Without the mechanism '{one['mechanism']}': {_trial(one)}" for one in result["scoreboard"]]
    if missing := result.get("missing"):
        lines.append(f"Still to run, with the same options and the same code: --part {', --part '.join(missing)}.")
    elif result["unreached"]:
        lines.append(f"Never reached: {', '.join(result['unreached'])}.")
    if fuzzed := result.get("fuzz"):
        lines.append(f"{fuzzed['inputs']:,} mutated inputs in {fuzzed['seconds']} s: {fuzzed['failures']} failures.")
    return "\n".join([*lines, f"The result is in {RESULT}.", ""])


if __name__ == "__main__":
    sys.exit(main())
