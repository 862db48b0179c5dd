"""Build the parts of an example report about an arm with an optimized prompt."""

from __future__ import annotations

from typing import Any

from include.distill.prompt_optimization.results import prompt_version
from tests.distill.report.example_report import base_arm, inputs, tuned_arm, verdicts

ORIGINAL = """You answer questions about a document.

<document>
{{document}}
</document>

<question>
{{question}}
</question>"""
OPTIMIZED = f"""Answer only from the document, in one or two sentences. If the document does not say, say so.

Example
Document: Buckets are private by default.
Question: Who can read a new bucket?
Answer: Only its owner, because buckets are private by default.

{ORIGINAL}"""
JUDGES = ("claude-haiku-4-5", "mistral-large-3")


def optimized_prompt(**changes: Any) -> dict[str, Any]:
    prompt = {
        "arm": "prompted",
        "job_name": "distill-local-prompt-0a1b2c3d-1",
        "job_arn": "arn:aws:bedrock:us-east-1:123456789012:advanced-prompt-optimization-job/abcd1234efgh",
        "samples": 100,
        "judge": "claude-sonnet-4-6",
        "original": ORIGINAL,
        "optimized": OPTIMIZED,
        "before": {"score": 0.61, "input_tokens": 418.25, "output_tokens": 57.0},
        "after": {"score": 0.83, "input_tokens": 2007.25, "output_tokens": None},
    }
    return {**prompt, **changes}


def prompted_arm(**changes: Any) -> dict[str, Any]:
    version = prompt_version(OPTIMIZED)
    return base_arm(**{"name": "prompted", "prompt": "optimized", "prompt_version": version, **changes})


def judged(*outcomes: list[str], candidate: str = "tuned", baseline: str = "prompted") -> list[list[dict[str, Any]]]:
    """Return the verdicts of one judge for each list of outcomes, on the trained arm and the optimized prompt."""
    return [
        verdicts(given, judge=judge, candidate=candidate, baseline=baseline)
        for judge, given in zip(JUDGES, outcomes, strict=False)
    ]


def won(candidate: int, baseline: int) -> list[str]:
    """Return the outcomes of a hundred questions; those that are not won are ties."""
    return ["candidate"] * candidate + ["baseline"] * baseline + ["tie"] * (100 - candidate - baseline)


def prompted_inputs(**changes: Any) -> dict[str, Any]:
    """Return valid arguments of ``build_report`` for a base arm, an arm with an optimized prompt and a trained arm."""
    arguments = inputs(
        arms=[base_arm(), prompted_arm(), tuned_arm()],
        verdicts=[
            *judged(won(70, 12), won(62, 18)),
            *judged(won(45, 30), won(41, 33), candidate="prompted", baseline="base"),
            *judged(won(80, 8), won(75, 10), baseline="base"),
        ],
        prompt_optimization=[optimized_prompt()],
    )
    return {**arguments, **changes}
