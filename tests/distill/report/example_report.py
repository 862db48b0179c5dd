"""Build an example report for the tests of the report."""

from __future__ import annotations

from typing import Any

EXAMPLE_OUTCOMES = {
    "claude-haiku-4-5": ["candidate"] * 58 + ["baseline"] * 22 + ["tie"] * 18 + ["unparsable"] * 2,
    "mistral-large-3": ["candidate"] * 44 + ["baseline"] * 30 + ["tie"] * 26,
}


def verdicts(
    outcomes: list[str], *, judge: str, candidate: str = "tuned", baseline: str = "base"
) -> list[dict[str, Any]]:
    return [
        {
            "row_id": f"row{index}",
            "judge": judge,
            "candidate": candidate,
            "baseline": baseline,
            "order": order,
            "verdict": outcome,
            "raw": "",
        }
        for index, outcome in enumerate(outcomes)
        for order in ("candidate_first", "baseline_first")
    ]


def inputs(**changes: Any) -> dict[str, Any]:
    """Return valid arguments of ``build_report``, with ``changes``."""
    arguments: dict[str, Any] = {
        "run_key": "aws-docs-qa-20260114-3fa9c1d2",
        "use_case": "aws_docs_qa",
        "dag_id": "distill_aws_docs_qa",
        "run_id": "manual__2026-01-14T02:00:00+00:00",
        "finished_at": "2026-01-14T03:00:00+00:00",
        "simulated": True,
        "source": {"rows": 120, "accepted": 118, "rejected": 2, "train": 118, "evaluation": 100},
        "synthesis": synthesis(),
        "arms": [base_arm(), tuned_arm()],
        "verdicts": [verdicts(outcomes, judge=judge) for judge, outcomes in EXAMPLE_OUTCOMES.items()],
        "clusters": {f"row{index}": f"document{index // 2}" for index in range(100)},
        "cost": {
            "estimated_usd": 9.1,
            "actual_usd": 7.56,
            "lines": [
                line("claude-sonnet-5-5, input", 205_311, "token", 0.000003, 0.62),
                line("claude-sonnet-5-5, output", 61_904, "token", 0.000015, 0.93),
                line("nova-micro throughput, no commitment", 0.0557, "model-unit hour", 108.15, 6.01),
            ],
        },
        "loss_curves": {
            "tuned": [{"step": step, "epoch": step / 40, "loss": 0.7 + 1.6 / (1 + step / 12)} for step in range(1, 81)]
        },
        "disagreements": [disagreement()],
        "agreement": agreement(),
        "promotion": promotion(),
        "pair_sample": [{"question": "Can I turn default encryption off?", "answer": "No.", "topic": "Encryption"}],
        "settings": {
            "teacher": "claude-sonnet-5-5",
            "judges": ["claude-haiku-4-5", "mistral-large-3"],
            "prompts": {"synthesis": "9b1c2f", "judging": "77ae01"},
            "attribution": "AWS documentation, CC BY-SA 4.0",
        },
    }
    return {**arguments, **changes}


def synthesis() -> dict[str, int]:
    return {
        "documents": 118,
        "requested": 354,
        "accepted": 341,
        "rejected": 9,
        "missing": 4,
        "surplus": 3,
        "calls": 97,
        "cache_hits": 23,
        "input_tokens": 205_311,
        "output_tokens": 61_904,
    }


def agreement() -> list[dict[str, Any]]:
    names = ["claude-haiku-4-5", "mistral-large-3", "ann (person)"]
    figures = {"n": 98, "clusters": 49, "observed": 0.71, "kappa": 0.54, "kappa_ci95": [0.4, 0.68]}
    enough = {"n": 60, "clusters": 30, "observed": 0.6, "kappa": -0.05, "kappa_ci95": [-0.21, 0.11]}
    few = {"n": 20, "clusters": 20, "observed": 0.6, "kappa": 0.0, "kappa_ci95": [-1.0, 1.0]}
    return [
        {"first": names[0], "second": names[1], **figures},
        {"first": names[0], "second": names[2], **enough},
        {"first": names[1], "second": names[2], **few},
    ]


def promotion() -> dict[str, Any]:
    reasons = ["mistral-large-3: the lower bound of the half-win rate is 48.2%, but must be above 52.0%"]
    decision = {"candidate": "tuned", "champion": "base", "promoted": False, "reasons": reasons}
    return {"rule": "every judge is convinced", "false_promotions_a_year": 9.125, "decisions": [decision]}


def disagreement() -> dict[str, Any]:
    return {
        "row_id": "4f0c9a3be2d1577a",
        "question": "How many tags can an object have?",
        "candidate_answer": "Up to 10.\nTheir keys must be unique.",
        "baseline_answer": "Tags are key-value pairs.",
        "by_judge": {"claude-haiku-4-5": "candidate", "mistral-large-3": "tie"},
        "by_person": {"ann": "candidate"},
    }


def line(what: str, quantity: float, unit: str, unit_price_usd: float, usd: float) -> dict[str, Any]:
    return {"what": what, "quantity": quantity, "unit": unit, "unit_price_usd": unit_price_usd, "usd": usd}


def base_arm(**changes: Any) -> dict[str, Any]:
    arm = {
        "name": "base",
        "kind": "base",
        "records": None,
        "train_uri": None,
        "job_arn": None,
        "job_status": None,
        "training_loss": None,
        "serving": None,
        "released": True,
    }
    return {**arm, **changes}


def tuned_arm(**changes: Any) -> dict[str, Any]:
    arm = {
        "name": "tuned",
        "kind": "fine_tuned",
        "records": 459,
        "train_uri": "s3://training/distill/datasets/5bf1/train.jsonl",
        "job_arn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/nova-micro/abcd1234efgh",
        "job_status": "Completed",
        "training_loss": 0.909,
        "serving": "provisioned_throughput",
        "released": True,
    }
    return {**arm, **changes}
