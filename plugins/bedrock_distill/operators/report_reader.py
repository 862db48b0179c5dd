"""Read the parts of a run's report that the verdict does not need. A part that cannot be read is left out."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter

from bedrock_distill.lifecycle.throughput import released_throughput
from bedrock_distill.operators.records import ArmManifests
from bedrock_distill.operators.training_price import TrainingPrices
from bedrock_distill.run.task_ids import ANSWER, COLLECT, PROVISION, REPORT, TRAINED, UPLOAD, arm_task, optimize_task
from bedrock_distill.run.task_results import read_mapped_results, read_result, require_all_results
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, read_json, read_jsonl, stream_jsonl
from include.distill.cost.records import ReleasedThroughput, SpendingApproval, ThroughputRelease
from include.distill.cost.throughput_hours import release_record, unit_hours
from include.distill.curation.records import CurateManifest, PairText
from include.distill.curation.repeated_pairs import curated_texts
from include.distill.dataset.evaluation_questions import identifying_questions
from include.distill.dataset.records import Row
from include.distill.evaluation.champion import champion_snapshot
from include.distill.evaluation.contamination import count_contaminated_questions
from include.distill.evaluation.records import Answer, AnswerManifest
from include.distill.inference.records import ThroughputManifest
from include.distill.labeling.label_store import MatchedLabels, match_labels, read_labels
from include.distill.managed_evaluation.records import ScoresManifest
from include.distill.prompt_optimization.records import OptimizedPrompt, OptimizedPromptManifest
from include.distill.report.approvals import price_entry, promotion_entry, spending_entry
from include.distill.report.champion_endpoint import endpoint_entry
from include.distill.report.evaluations import evaluations_part
from include.distill.report.judged_run import JudgedRun
from include.distill.report.opinions import disagreement_rows, human_verdicts
from include.distill.report.optional_parts import OptionalParts
from include.distill.report.records import (
    EndpointPart,
    EvaluationsPart,
    OptimizedPromptsPart,
    ReportApproval,
    ReportDisagreement,
    ReportEndpoint,
    ReportRejectedRow,
)
from include.distill.report.run_summary import ArmSummary
from include.distill.report.schema_data_card import DataCardSchema
from include.distill.report.schema_prompts import OptimizedPromptSchema
from include.distill.report.schema_run import PairSchema, RejectedRowSchema
from include.distill.training.metrics_files import TRAINING_METRICS, VALIDATION_METRICS, read_metrics
from include.distill.training.records import DataCard, DatasetManifest, LossPoint, TrainingManifest

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook

PAIR_SAMPLE_SIZE = 10
MAX_REJECTED_ROWS = 100
UNKNOWN_CHAMPION = "of an earlier run, whose record could not be read"
RecordT = TypeVar("RecordT")


@dataclass(frozen=True)
class ReportReader:
    """
    Read the optional parts of the report of the run in ``folder``.

    ``optional`` collects a note about each part that cannot be read. ``answer_tasks`` is the number of mapped
    answer tasks of each arm.
    """

    store: ObjectStore
    folder: RunFolder
    use_case: UseCase
    hook: BedrockDistillHook
    optional: OptionalParts
    answer_tasks: int

    def arm(self, name: str, manifests: ArmManifests) -> ArmSummary:
        """Return the results and costs of one arm."""
        arm = self.use_case.arm(name)
        answers = read_mapped_results(
            manifests["answers"],
            AnswerManifest,
            task=arm_task(name, ANSWER),
            reader=REPORT,
            required=arm.kind != "champion",
        )
        if answers:
            require_all_results(answers, self.answer_tasks, task=arm_task(name, ANSWER), reader=REPORT)
        if arm.kind == "base":
            return ArmSummary(name, arm.kind, answers, optimized=self._optimized(name, manifests))
        provisioned = read_result(
            manifests.get("provisioned"), ThroughputManifest, task=arm_task(name, PROVISION), reader=REPORT
        )
        dataset, trained = manifests.get("dataset"), manifests.get("trained")
        if dataset is not None:
            dataset = read_result(dataset, DatasetManifest, task=arm_task(name, UPLOAD), reader=REPORT)
        if trained is not None:
            trained = read_result(trained, TrainingManifest, task=arm_task(name, TRAINED), reader=REPORT)
        prices = TrainingPrices(self.store, self.folder, self.use_case, self.optional)
        deployment = provisioned.get("deployment_arn")
        existing = self._existing(name, provisioned)
        hours = self.optional.read(
            f"the price of the endpoint of {name}, so the bill is too low",
            lambda: self._unit_hours(name, provisioned, existing),
            fallback=(0.0, 0.0),
        )
        return ArmSummary(
            name,
            arm.kind,
            answers,
            dataset=dataset,
            trained=trained,
            serving=provisioned["throughput_arn"] or deployment,
            released=existing is None and not (deployment and self._is_deployed(name, deployment)),
            student=provisioned["student"],
            model_arn=provisioned["model_arn"],
            paid_training=trained is not None and self._has_bought(name, trained),
            job_lines=prices.job_lines(name, dataset, trained) if dataset and trained else (),
            teacher=self.use_case.job_teacher(name),
            golden_answers=arm.golden_answers is not None,
            pairs_usd=prices.pairs_usd(name) if trained else None,
            unit_hours=hours[0],
            failed_unit_hours=hours[1],
            hourly_usd=provisioned.get("usd_per_hour"),
        )

    def _optimized(self, arm: str, manifests: ArmManifests) -> OptimizedPromptManifest | None:
        """Return the result of the job that optimized an arm's prompt; ``None`` for other arms."""
        result, task = manifests.get("optimized"), optimize_task(arm, COLLECT)
        return result and read_result(result, OptimizedPromptManifest, task=task, reader=REPORT)

    def _has_bought(self, arm: str, trained: TrainingManifest) -> bool:
        """Return whether the job's tags say that this run, and not an earlier run, bought the training job."""
        return self.optional.read(
            f"the tags of the training job of {arm}, so its price may be that of an earlier run",
            lambda: self.hook.tags(trained["job_arn"]).get("run-key") == self.folder.run_key,
            fallback=True,
        )

    def _existing(self, arm: str, provisioned: ThroughputManifest) -> list[ReleasedThroughput] | None:
        """
        Return a list with the one endpoint of an arm; ``None`` if the endpoint does not exist.

        If Bedrock does not say whether the endpoint exists, the list is empty. The endpoint may still be billed then.
        """
        arn = provisioned["throughput_arn"]
        if arn is None:
            return None
        unknown: list[ReleasedThroughput] | None = []

        def find() -> list[ReleasedThroughput] | None:
            throughput = self.hook.find_throughput(arn)
            return [released_throughput(throughput)] if throughput else None

        return self.optional.read(f"the state of the endpoint of {arm}, which may still be billed", find, unknown)

    def _is_deployed(self, arm: str, arn: str) -> bool:
        """Return whether an arm's deployment still exists. It costs nothing, but counts against the quota."""
        return self.optional.read(
            f"the state of the deployment of {arm}, which may still exist",
            lambda: self.hook.find_deployment(arn) is not None,
            fallback=True,
        )

    def _unit_hours(
        self, arm: str, provisioned: ThroughputManifest, existing: list[ReleasedThroughput] | None
    ) -> tuple[float, float]:
        """
        Return the hours of an arm's endpoints, and the hours of those that failed.

        The hours of an endpoint that may still exist are counted until now.
        """
        uris = self.store.list(self.folder.release_records(arm))
        records = [read_json(self.store, uri, ThroughputRelease) for uri in uris]
        name, created = provisioned["throughput_name"], provisioned.get("created")
        if existing == [] and not records and name and created:
            existing = [{"name": name, "created": created, "units": self.use_case.serving.model_units}]
        records.append(release_record(existing or [], now=datetime.datetime.now(datetime.UTC)))
        return unit_hours(records), unit_hours(records, failed=True)

    def answers(self, arm: ArmSummary) -> list[Answer] | None:
        """Return the answers of an arm; ``None`` if they cannot be read."""
        uris = [self.folder.answers(arm.name, number) for number in range(len(arm.answers))]
        return self.optional.read(
            f"the answers of {arm.name}, so they were not searched for incomplete answers",
            lambda: [record for uri in uris for record in read_jsonl(self.store, uri, Answer)],
            fallback=None,
        )

    def labels(self, answers: Mapping[str, Mapping[str, str]]) -> MatchedLabels:
        """Return the people's labels on the run's answers."""

        def read() -> MatchedLabels:
            labels = match_labels(read_labels(self.store, self.folder), answers)
            human_verdicts(labels.counted)  # a person may have edited the file
            return labels

        return self.optional.read("the labels from people", read, fallback=match_labels([], answers))

    def disagreements(self, judged: JudgedRun, answers: Mapping[str, Mapping[str, str]]) -> list[ReportDisagreement]:
        """Return the questions on which judges or people disagree."""
        questions = {row["row_id"]: row["question"] for row in judged.evaluation}
        nothing: list[ReportDisagreement] = []
        return self.optional.read(
            "the disagreements",
            lambda: disagreement_rows(chain.from_iterable(judged.compared), answers, questions, judged.labels),
            fallback=nothing,
        )

    def champion_before(self) -> str | None:
        """Return the ARN of the champion before the run.

        If the champion's record cannot be read, return a text that matches no ARN. This prevents an arm from replacing
        a champion that it was not compared with.
        """

        def read() -> str | None:
            champion = champion_snapshot(self.store, self.folder)
            return champion.model_arn if champion else None

        unknown: str | None = UNKNOWN_CHAMPION
        return self.optional.read("the name of the champion", read, fallback=unknown)

    def approvals(self) -> list[ReportApproval]:
        """Return who approved the spending, the champion before the run, and the price of that champion's endpoint."""

        def spending() -> ReportApproval | None:
            uri = self.folder.spending_approval
            return spending_entry(read_json(self.store, uri, SpendingApproval)) if self.store.exists(uri) else None

        def promotion() -> ReportApproval | None:
            champion = champion_snapshot(self.store, self.folder)
            return promotion_entry(champion) if champion else None

        def price() -> ReportApproval | None:
            champion = champion_snapshot(self.store, self.folder)
            return price_entry(champion) if champion else None

        nobody: ReportApproval | None = None
        entries = [
            self.optional.read("the record of who approved the spending", spending, fallback=nobody),
            self.optional.read("the record of who approved the champion", promotion, fallback=nobody),
            self.optional.read("the record of who approved the standing endpoint's price", price, fallback=nobody),
        ]
        return [entry for entry in entries if entry]

    def champion_endpoint(self) -> EndpointPart:
        """Return the part of the report about the champion's standing endpoint; empty if there is no endpoint."""

        def read() -> ReportEndpoint | None:
            return endpoint_entry(self.use_case, champion_snapshot(self.store, self.folder))

        nothing: ReportEndpoint | None = None
        entry = self.optional.read("the champion's standing endpoint", read, fallback=nothing)
        return {"champion_endpoint": entry} if entry else {}

    def evaluations(
        self,
        results: Sequence[ScoresManifest] | None,
        evaluation: Sequence[Row],
        answers: Mapping[str, Mapping[str, str]],
    ) -> EvaluationsPart:
        """
        Return the part of the report about evaluation jobs; empty if there are no scores.

        :param results: results of the evaluation jobs that have one; ``None`` if Airflow deleted them.
        """

        def read() -> EvaluationsPart:
            found = [
                read_result(result, ScoresManifest, task=COLLECT, reader=REPORT) for result in results or () if result
            ]
            note = self.optional.note
            return evaluations_part(self.store, self.use_case, found, evaluation=evaluation, answers=answers, note=note)

        nothing: EvaluationsPart = {}
        return self.optional.read("the scores from evaluation jobs", read, fallback=nothing)

    def losses(self, arms: Sequence[ArmSummary], name: str) -> dict[str, list[LossPoint]]:
        """Return the losses of each arm from its metrics file ``name``."""
        curves: dict[str, list[LossPoint]] = {}
        for arm in arms:
            if arm.trained is None or (name == VALIDATION_METRICS and not self.use_case.training.validation_share):
                continue
            read = partial(self._losses, arm.name, arm.trained, name)
            nothing: list[LossPoint] = []
            curves[arm.name] = self.optional.read(f"the losses of {arm.name}", read, fallback=nothing)
        return curves

    def _losses(self, arm: str, trained: TrainingManifest, name: str) -> list[LossPoint]:
        kind = "training" if name == TRAINING_METRICS else "validation"
        curve = read_metrics(
            self.store,
            trained,
            name,
            note=lambda text: self.optional.note(f"The curve of the {kind} loss of {arm} is incomplete: {text}."),
        )
        if curve is None:
            self.optional.note(f"There is no curve of the {kind} loss of {arm}: Bedrock wrote no {name}.")
        return curve or []

    def contaminated(self, evaluation: Sequence[Row], synthesis: Sequence[CurateManifest]) -> int | None:
        """Count the evaluation questions that also occur in training data; ``None`` if the data cannot be read."""

        def count() -> int | None:
            originals = stream_jsonl(self.store, self.folder.source("train"), Row)
            trained_questions = chain(
                (row["question"] for row in originals),
                (pair["question"] for manifest in synthesis for pair in self._pairs(manifest)),
            )
            return count_contaminated_questions(
                identifying_questions(evaluation),
                trained_questions,
                threshold=self.use_case.curation.max_leak_similarity,
            )

        return self.optional.read("the search for evaluation questions in the training data", count, fallback=None)

    def _pairs(self, curated: CurateManifest) -> Iterator[PairText]:
        return curated_texts(self.store, self.folder, shards=curated["shards"])

    def pair_sample(self, synthesis: Sequence[CurateManifest]) -> list[PairText]:
        """Return a sample of the accepted pairs."""

        def sample() -> list[PairText]:
            count = sum(manifest["accepted"] for manifest in synthesis)
            chosen = set(random.Random(self.use_case.seed).sample(range(count), min(PAIR_SAMPLE_SIZE, count)))
            pairs = chain.from_iterable(map(self._pairs, synthesis))
            return _checked([pair for number, pair in enumerate(pairs) if number in chosen], PairSchema)

        return self.optional.read("the sample of pairs", sample, fallback=[])

    def data_cards(self, arms: Sequence[ArmSummary]) -> list[DataCard]:
        """Return the data cards of the trained arms."""
        cards: list[DataCard] = []
        for arm in arms:
            if arm.dataset:
                read = partial(self._data_card, arm.name)
                cards += self.optional.read(f"the data card of {arm.name}", read, fallback=[])
        return cards

    def _data_card(self, arm: str) -> list[DataCard]:
        # A data card of an earlier version may lack keys of `DataCard`. The schema of the report does not require them.
        card = read_json(self.store, self.folder.merged(arm, "data_card.json"), dict[str, Any])
        return _checked([cast(DataCard, card)], DataCardSchema)

    def optimized_prompts(self) -> OptimizedPromptsPart:
        """Return the part of the report about optimized prompts; empty without such prompts."""
        prompts: list[OptimizedPrompt] = []
        for arm in self.use_case.optimized_arms:
            read = partial(self._optimized_prompt, arm)
            prompts += self.optional.read(f"the optimized prompt of {arm}", read, fallback=[])
        return {"prompt_optimization": prompts} if prompts else {}

    def _optimized_prompt(self, arm: str) -> list[OptimizedPrompt]:
        prompt = read_json(self.store, self.folder.optimized_prompt(arm), OptimizedPrompt)
        return _checked([{**prompt, "arm": arm}], OptimizedPromptSchema)

    def rejected_rows(self) -> list[ReportRejectedRow]:
        """Return the place and reason of each rejected row. The rows' texts are only in ``source/rejected.jsonl``."""

        def read() -> list[ReportRejectedRow]:
            # An earlier version may have stored reasons that the schema of the report does not allow.
            rows = read_jsonl(self.store, self.folder.source("rejected"), dict[str, Any])
            shown: list[ReportRejectedRow] = [
                {
                    "row": row["row"],
                    "line": row["line"],
                    "source": row["source"],
                    "column": row["column"],
                    "reason": row["reason"],
                    "message": row["message"],
                }
                for row in rows[:MAX_REJECTED_ROWS]
            ]
            return _checked(shown, RejectedRowSchema)

        return self.optional.read("the list of rejected rows", read, fallback=[])


def _checked(records: list[RecordT], schema: type) -> list[RecordT]:
    """
    Return ``records`` unchanged if they match the schema of the report.

    :raises ValidationError: the records do not match. If they were written, the whole report would be invalid.
    :raises UnicodeEncodeError: a text has a lone surrogate. The report could not be written with it.
    """
    json.dumps(records, ensure_ascii=False).encode()
    TypeAdapter(list[schema]).validate_python(records)  # type: ignore[valid-type]
    return records
