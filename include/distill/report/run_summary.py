"""
From the manifests of a run's tasks to the parts of its report.

Manifests are what the operators return; they hold counts and URIs. Rows are read by the caller and given here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.naming import digest
from include.distill.core.storage import Record
from include.distill.cost.prices import BillLine, Prices
from include.distill.evaluation.judge_families import describe_judge
from include.distill.evaluation.judging import find_disagreements, resolve
from include.distill.stats.agreement import agreement_table
from include.distill.training.data_card import licence_note

SYNTHESIS_FIELDS = (
    "documents", "requested", "accepted", "rejected", "missing", "surplus", "calls", "cache_hits", "input_tokens",
    "output_tokens", "batch_calls", "batch_input_tokens", "batch_output_tokens",
)  # fmt: skip


@dataclass(frozen=True)
class ArmSummary:
    """
    What became of one arm.

    :param trained: manifest of its sensor; ``None`` when the run trains nothing for it.
    :param student: the base model that answers, or that the answering model was made from.
    :param model_arn: the custom model that answers; ``None`` for the base student, which is asked by the token.
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
    student: str = ""
    model_arn: str | None = None
    paid_training: bool = False
    training_tokens: int = 0
    unit_hours: float = 0.0

    @property
    def on_demand(self) -> bool:
        """Whether the base student answers for the arm: a champion's place is its own once there is one."""
        return self.kind != "fine_tuned" and self.model_arn is None

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
    arms: Sequence[ArmSummary],
    judgments: Sequence[Record],
    prices: Prices,
) -> list[BillLine]:
    """Return what this run paid for; answers and jobs that were there already cost nothing."""
    lines = _model_call_lines("synthesis", use_case.teacher, synthesis, prices)
    if use_case.critic:
        critics = [manifest["critic"] for manifest in synthesis if manifest.get("critic")]
        tokens = sum_counts(critics, ("input_tokens", "output_tokens"))
        lines += prices.token_lines("critic", use_case.critic.model, tokens["input_tokens"], tokens["output_tokens"])
    for arm in arms:
        if arm.on_demand:
            lines += _model_call_lines(f"answers {arm.name}", use_case.student, arm.answers, prices)
        if arm.paid_training:
            lines.append(prices.training_line(arm.name, use_case.student, arm.training_tokens))
        if arm.unit_hours:
            lines.append(prices.throughput_line(arm.name, arm.student or use_case.student, arm.unit_hours))
    for judge in use_case.judges:
        lines += _model_call_lines("judging", judge, [m for m in judgments if m["judge"] == judge], prices)
    return [line for line in lines if line.quantity]


def compare_with_estimate(lines: Sequence[BillLine], estimated: Iterable[Record]) -> list[Record]:
    """
    Return the bill as in ``report.json``, each line with its ``estimated_usd``.

    What was estimated and cost nothing, because it was paid for before, stays in the bill with a quantity of 0.
    """
    expected = {line["what"]: line for line in estimated}
    records = [{**line.as_record(), "estimated_usd": expected.get(line.what, {}).get("usd", 0.0)} for line in lines]
    paid = {line.what for line in lines}
    free = [{**line, "quantity": 0, "usd": 0.0} for what, line in expected.items() if what not in paid]
    return records + [{**line, "estimated_usd": expected[line["what"]]["usd"]} for line in free]


def _model_call_lines(what: str, model: str, manifests: Sequence[Record], prices: Prices) -> list[BillLine]:
    tokens = sum_counts(manifests, ("input_tokens", "output_tokens", "batch_input_tokens", "batch_output_tokens"))
    in_batches = tokens["batch_input_tokens"], tokens["batch_output_tokens"]
    on_demand = tokens["input_tokens"] - in_batches[0], tokens["output_tokens"] - in_batches[1]
    return prices.token_lines(what, model, *on_demand) + prices.token_lines(what, model, *in_batches, batch=True)


def document_group_by_row(rows: Iterable[Record]) -> dict[str, str]:
    """Return the document group of each row: rows of one group, or of one document, are not independent."""
    return {row["row_id"]: str(row.get("group") or digest(row["document"])[:16]) for row in rows}


def human_verdicts(labels: Iterable[Record]) -> dict[tuple[str, str, str], dict[str, str]]:
    """
    Return the verdicts of people by candidate, baseline and row id; who gave no answer is left out.

    :param labels: ``{"row_id", "candidate", "baseline", "labeller", "verdict"}`` with the verdicts of
        :mod:`include.distill.evaluation.judging`; any other verdict is none.
    """
    verdicts: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for label in labels:
        if label["verdict"] in ("candidate", "baseline", "tie"):
            verdicts[(label["candidate"], label["baseline"], label["row_id"])][label["labeller"]] = label["verdict"]
    return dict(verdicts)


def agreement_records(
    verdicts: Iterable[Record], groups: Mapping[str, str], labels: Iterable[Record] = ()
) -> list[dict[str, Any]]:
    """
    Return how far every two raters agree, judges first, over all pairs of arms.

    Unparsable replies are no opinion, and neither are ties of equal answers, which nobody was asked about.

    :param groups: document group of each row id.
    :param labels: as in :func:`human_verdicts`.
    """
    raters: dict[str, dict[tuple[str, str, str], str]] = defaultdict(dict)
    for question in resolve(verdicts):
        if question.outcome != "unparsable" and not question.same:
            item = (question.candidate, question.baseline, question.row_id)
            raters[question.judge][item] = question.outcome
    for item, by_person in human_verdicts(labels).items():
        for person, verdict in by_person.items():
            raters[f"{person} (person)"][item] = verdict
    return [dict(line) for line in agreement_table(raters, lambda item: groups[item[2]])]


def disagreement_rows(
    verdicts: Iterable[Record],
    answers: Mapping[str, Mapping[str, str]],
    questions: Mapping[str, str],
    labels: Iterable[Record] = (),
) -> list[Record]:
    """
    Return rows on which the judges, or people, disagree, with both answers, to be read.

    :param verdicts: of the headline's pair of arms first.
    :param answers: per arm, the answer of each row id.
    :param questions: the question of each row id.
    :param labels: as in :func:`human_verdicts`.
    """
    verdicts = list(verdicts)
    pairs = list(dict.fromkeys((verdict["candidate"], verdict["baseline"]) for verdict in verdicts))
    return [
        {
            **entry,
            "question": questions[entry["row_id"]],
            "candidate_answer": answers[entry["candidate"]][entry["row_id"]],
            "baseline_answer": answers[entry["baseline"]][entry["row_id"]],
        }
        for entry in find_disagreements(resolve(verdicts), human_verdicts(labels), pairs=pairs)
    ]


def _described_critic(use_case: UseCase) -> dict[str, str]:
    critic = use_case.critic
    return {"critic": f"{critic.model}, for at most ${critic.max_spend_usd:,.2f}"} if critic else {}


def describe_settings(use_case: UseCase, *, prompts: Mapping[str, str]) -> dict[str, Any]:
    """Return what a reader needs to repeat the run: models, prompts by version, parameters."""
    catalog = load_catalog()
    note = licence_note(catalog.model(use_case.teacher), catalog.model(use_case.student))
    settings = {
        "teacher": use_case.teacher,
        "student": use_case.student,
        **_described_critic(use_case),
        "judges": ", ".join(describe_judge(judge, use_case) for judge in use_case.judges),
        "region": use_case.aws.region,
        "prompts": ", ".join(f"{name} {version}" for name, version in prompts.items()),
        "pairs per document": use_case.synthesis.pairs_per_document,
        "hyperparameters": ", ".join(f"{k} {v}" for k, v in use_case.training.hyperparameters.items()) or "defaults",
        "attribution": f"{use_case.source.attribution} Licence: {use_case.source.licence}",
    }
    return {**settings, "licence of the answers": note} if note else settings
