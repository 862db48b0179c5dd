"""
From the manifests of a run's tasks to the parts of its report.

Manifests are what the operators return; they hold counts and URIs. Rows are read by the caller and given here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from include.distill.catalog import load_catalog
from include.distill.cost import Line, Prices
from include.distill.judging import find_disagreements, resolve
from include.distill.naming import digest
from include.distill.storage import Record
from include.distill.training_set import licence_note
from include.distill.use_case import UseCase

SYNTHESIS_FIELDS = (
    "documents", "requested", "accepted", "rejected", "missing", "surplus", "calls", "cache_hits", "input_tokens",
    "output_tokens",
)  # fmt: skip


@dataclass(frozen=True)
class ArmFacts:
    """
    What became of one arm.

    :param trained: manifest of its sensor; ``None`` for the base, like all that follow.
    :param paid_training: whether this run bought the job.
    :param unit_hours: model-unit hours of throughput that this run paid for.
    """

    name: str
    kind: str
    answers: Sequence[Record]
    dataset: Record | None = None
    trained: Record | None = None
    serving: str | None = None
    released: bool = True
    paid_training: bool = False
    training_tokens: int = 0
    unit_hours: float = 0.0

    def as_record(self) -> Record:
        """The arm as it stands in ``report.json``."""
        dataset, trained = self.dataset or {}, self.trained or {}
        return {
            "name": self.name,
            "kind": self.kind,
            "records": dataset.get("records"),
            "train_uri": dataset.get("train_uri"),
            "job_arn": trained.get("job_arn"),
            "job_status": trained.get("status"),
            "training_loss": trained.get("training_loss"),
            "serving": self.serving,
            "released": self.released,
        }


def sum_counts(manifests: Iterable[Record], fields: Sequence[str] = SYNTHESIS_FIELDS) -> dict[str, int]:
    """Return the sums of ``fields`` over manifests."""
    totals = dict.fromkeys(fields, 0)
    for manifest in manifests:
        for name in fields:
            totals[name] += manifest[name]
    return totals


def bill(
    use_case: UseCase,
    *,
    synthesis: Sequence[Record],
    arms: Sequence[ArmFacts],
    judgments: Sequence[Record],
    prices: Prices,
) -> list[Line]:
    """Return what this run paid for; answers and jobs that were there already cost nothing."""
    lines = _asked("synthesis", use_case.teacher, synthesis, prices)
    for arm in arms:
        if arm.kind == "base":
            lines += _asked(f"answers {arm.name}", use_case.student, arm.answers, prices)
            continue
        if arm.paid_training:
            lines.append(prices.training_line(arm.name, use_case.student, arm.training_tokens))
        if arm.unit_hours:
            lines.append(prices.throughput_line(arm.name, use_case.student, arm.unit_hours))
    for judge in use_case.judges:
        lines += _asked("judging", judge, [m for m in judgments if m["judge"] == judge], prices)
    return [line for line in lines if line.quantity]


def beside_estimate(lines: Sequence[Line], estimated: Iterable[Record]) -> list[Record]:
    """
    Return the bill as in ``report.json``, each line with its ``estimated_usd``.

    What was estimated and cost nothing, because it was paid for before, stays in the bill with a quantity of 0.
    """
    expected = {line["what"]: line for line in estimated}
    records = [{**line.as_record(), "estimated_usd": expected.get(line.what, {}).get("usd", 0.0)} for line in lines]
    paid = {line.what for line in lines}
    free = [{**line, "quantity": 0, "usd": 0.0} for what, line in expected.items() if what not in paid]
    return records + [{**line, "estimated_usd": expected[line["what"]]["usd"]} for line in free]


def _asked(what: str, model: str, manifests: Sequence[Record], prices: Prices) -> list[Line]:
    tokens = sum_counts(manifests, ("input_tokens", "output_tokens"))
    return prices.token_lines(what, model, tokens["input_tokens"], tokens["output_tokens"])


def clusters(rows: Iterable[Record]) -> dict[str, str]:
    """Return the document group of each row: rows of one group, or of one document, are not independent."""
    return {row["row_id"]: str(row.get("group") or digest(row["document"])[:16]) for row in rows}


def loss_curve(metrics: bytes) -> list[dict[str, float]]:
    """
    Return the steps of Bedrock's ``step_wise_training_metrics.csv``.

    Columns differ between families; ``step_number``, ``epoch_number`` and ``training_loss`` are in all of them.
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
    """
    rows = csv.DictReader(StringIO(metrics.decode("utf-8-sig")))
    return [
        {
            "step": int(row["step_number"]),
            "epoch": int(row["epoch_number"]),
            "loss": float(row["training_loss"]),
        }
        for row in rows
    ]


def disagreement_rows(
    verdicts: Iterable[Record],
    answers: Mapping[str, Mapping[str, str]],
    questions: Mapping[str, str],
) -> list[Record]:
    """
    Return rows on which the judges disagree, with both answers, to be read.

    :param answers: per arm, the answer of each row id.
    :param questions: the question of each row id.
    """
    return [
        {
            **entry,
            "question": questions[entry["row_id"]],
            "candidate_answer": answers[entry["candidate"]][entry["row_id"]],
            "baseline_answer": answers[entry["baseline"]][entry["row_id"]],
        }
        for entry in find_disagreements(resolve(verdicts))
    ]


def describe_settings(use_case: UseCase, *, prompts: Mapping[str, str]) -> dict[str, Any]:
    """Return what a reader needs to repeat the run: models, prompts by version, parameters."""
    catalog = load_catalog()
    note = licence_note(catalog.model(use_case.teacher), catalog.model(use_case.student))
    settings = {
        "teacher": use_case.teacher,
        "student": use_case.student,
        "judges": ", ".join(_described_judge(judge, use_case.teacher) for judge in use_case.judges),
        "region": use_case.aws.region,
        "prompts": ", ".join(f"{name} {version}" for name, version in prompts.items()),
        "pairs per document": use_case.synthesis.pairs_per_document,
        "hyperparameters": ", ".join(f"{k} {v}" for k, v in use_case.training.hyperparameters.items()) or "defaults",
        "attribution": f"{use_case.source.attribution} Licence: {use_case.source.licence}",
    }
    return {**settings, "licence of the answers": note} if note else settings


def _described_judge(judge: str, teacher: str) -> str:
    """Name a judge, and say when it may favour its own family's writing."""
    catalog = load_catalog()
    same = catalog.model(judge).provider == catalog.model(teacher).provider
    return f"{judge} (of the teacher's family)" if same else judge
