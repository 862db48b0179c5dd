"""
Carry out a simulated night: pass what was drawn through the functions that build a real run's report.

So the comparisons, the verdict, the promotion rule, the bill and the checks of the report are those of the pipeline.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from include.distill.config.arms import Arm, Comparison
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.naming import digest, run_key
from include.distill.cost.prices import BillLine, Prices, load_prices, total_usd
from include.distill.curation.records import CurateManifest
from include.distill.dataset.records import IngestManifest
from include.distill.evaluation.champion import Champion, describe_champion
from include.distill.evaluation.records import AnswerEndings, JudgeManifest, Verdict
from include.distill.report.bill import bill, compare_with_estimate
from include.distill.report.build import build_report
from include.distill.report.judged_run import JudgedRun
from include.distill.report.records import Report, ReportCost
from include.distill.report.run_summary import ArmSummary, arm_records, describe_settings, summarize_synthesis
from tools.nights import draws
from tools.nights.plan import Night

CHAMPION = "champion"
ATTRIBUTION = "SIMULATED by make nights: no row was read, and no model was called."
_ESTIMATED = 1.12  # an estimate is higher than the bill
_TOKENS_PER_RECORD = 1_050
_ENDPOINT_HOURS = 0.06


def simulated_use_case(use_case: UseCase, *, compares_champion: bool, pairs: int) -> UseCase:
    """
    Return the use case of the simulated nights.

    :param compares_champion: add a champion arm, so that the promotion rule can replace the champion.
    :param pairs: pairs per document.
    """
    changed = {
        "source": use_case.source.model_copy(update={"attribution": ATTRIBUTION}),
        "synthesis": use_case.synthesis.model_copy(update={"pairs_per_document": pairs}),
    }
    if not compares_champion:
        return use_case.model_copy(update=changed)
    trained = [arm.name for arm in use_case.arms if arm.is_trained]
    # The report's verdict is about the base student, which is the same on all nights.
    baselines = [next(arm.name for arm in use_case.arms if arm.kind == "base"), CHAMPION]
    arms = (*use_case.arms, Arm(name=CHAMPION, kind="champion"))
    pairs_of_arms = tuple(Comparison(candidate=arm, baseline=base) for base in baselines for arm in trained)
    return use_case.model_copy(update={**changed, "arms": arms, "comparisons": pairs_of_arms})


@dataclass(frozen=True)
class SimulatedRun:
    """
    The run of one night.

    :ivar use_case: the use case with the settings of the night.
    :ivar champion: the champion before the run.
    :ivar champion_strength: how good the champion is; see :class:`tools.nights.plan.Stage`.
    :ivar before: run key of the last run with a report.
    """

    night: Night
    use_case: UseCase
    champion: Champion | None
    champion_strength: float
    before: str | None

    @cached_property
    def folder(self) -> RunFolder:
        """The folder of the run."""
        key = run_key(self.use_case.dag_id, self.night.run_id)
        return RunFolder(Layout(self.use_case.storage).run_uri(self.use_case.name, key))

    @property
    def ended(self) -> datetime.datetime:
        """When the run ended."""
        return self.night.started + datetime.timedelta(minutes=draws.minutes(self.night))

    def model_arn(self, arm: str) -> str:
        """Return the ARN of the model that the run trained for an arm. Bedrock has no such model."""
        # Bedrock refuses a request for an ARN whose last part has another form.
        return self._arn(f"custom-model/amazon.nova-micro-v1:0:128k/{digest(self.folder.run_key, arm)[:12]}")

    def _job_name(self, arm: str) -> str:
        return f"simulated-night-{digest(self.folder.run_key, arm)[:12]}"

    def _arn(self, resource: str) -> str:
        return f"arn:aws:bedrock:{self.use_case.aws.region}:123456789012:{resource}"

    @cached_property
    def ingested(self) -> IngestManifest:
        """The result of ``ingest``."""
        return draws.ingested(self.night, self.before)

    @cached_property
    def curated(self) -> CurateManifest:
        """The result of ``curate``."""
        return draws.curated(self.night)

    @cached_property
    def judgments(self) -> list[JudgeManifest]:
        """The results of ``judge``."""
        return [
            draws.judged(self.night, judge, pair.candidate, pair.baseline)
            for pair in self.use_case.pairs
            for judge in self.use_case.judges
        ]

    @cached_property
    def arms(self) -> list[ArmSummary]:
        """The results and the costs of the arms."""
        return [self._arm(arm) for arm in self.use_case.arms]

    def lines(self) -> list[BillLine]:
        """Return the bill of a night without an error."""
        return bill(
            self.use_case,
            synthesis=[self.curated],
            arms=self.arms,
            judgments=self.judgments,
            prices=load_prices(),
        )

    def lines_until_failure(self) -> list[BillLine]:
        """Return the bill of a night whose training job fails: the pairs are paid for."""
        return bill(self.use_case, synthesis=[self.curated], arms=[], judgments=[], prices=load_prices())

    def estimated_lines(self) -> list[BillLine]:
        """Return the estimate, which knows nothing of the planted drift."""
        expected = {"synthesis": _ESTIMATED / self.night.cost_factor}
        return [
            BillLine(
                line.what,
                line.quantity * expected.get(line.what.partition(":")[0], _ESTIMATED),
                line.unit,
                line.unit_price_usd,
                line.verified,
            )
            for line in self.lines()
        ]

    def report(self, prompts: Mapping[str, str]) -> Report:
        """
        Build the report of the run.

        :param prompts: version of each prompt, by name.
        """
        rows = draws.evaluation_rows(self.night)
        verdicts: list[Sequence[Verdict]] = [
            records
            for pair in self.use_case.pairs
            for records in draws.verdicts(
                self.night, self.use_case, rows, pair.candidate, pair.baseline, self._rate(pair)
            )
        ]
        endings = {arm.name: _complete(self.night.questions) for arm in self.use_case.arms}
        champion_before = self.champion.model_arn if self.champion else None
        judged = JudgedRun(self.use_case, rows, verdicts, (), champion_before, endings)
        trained = [arm.name for arm in self.use_case.arms if arm.is_trained]
        settings = describe_settings(self.use_case, prompts=prompts)
        if self.use_case.champion_arm:
            settings["champion"] = describe_champion(self.champion)
        return build_report(
            run_key=self.folder.run_key,
            use_case=self.use_case.name,
            dag_id=self.use_case.dag_id,
            run_id=self.night.run_id,
            finished_at=self.ended.isoformat(timespec="seconds"),
            simulated=True,
            source=self.ingested,
            synthesis=summarize_synthesis([self.curated]),
            arms=arm_records(self.arms, self.use_case, []),
            **judged.report_parts(count_contaminated=lambda: 0),
            cost=self._cost(),
            loss_curves={arm: draws.losses(self.night, arm) for arm in trained},
            labels={"counted": 0, "changed": 0, "unmarked": 0},
            disagreements=[],
            pair_sample=[],
            rejected_rows=[],
            answer_endings=endings,
            approvals=[],
            settings=settings,
            missing_parts=["the texts of rows, pairs and answers, because a simulated night has none"],
        )

    def _rate(self, pair: Comparison) -> float:
        """Return the true half-win rate of a pair of arms."""
        strength = {CHAMPION: self.champion_strength, **self.night.strength}
        return 0.5 + strength.get(pair.candidate, 0.0) - strength.get(pair.baseline, 0.0)

    def _cost(self) -> ReportCost:
        lines = self.lines()
        estimated = self.estimated_lines()
        return {
            "estimated_usd": total_usd(estimated),
            "actual_usd": total_usd(lines),
            "lines": compare_with_estimate(lines, [line.as_record() for line in estimated]),
            "lost_calls": 0,
        }

    def _arm(self, arm: Arm) -> ArmSummary:
        if arm.is_trained:
            return self._trained_arm(arm)
        is_champion = arm.kind == "champion" and self.champion is not None
        answers = draws.answered(self.night, arm.name, by_token=not is_champion, is_stored=self.before is not None)
        return ArmSummary(
            name=arm.name,
            kind=arm.kind,
            answers=[answers],
            student=self.use_case.student,
            model_arn=self.champion.model_arn if is_champion and self.champion else None,
        )

    def _trained_arm(self, arm: Arm) -> ArmSummary:
        records = self.night.rows + (0 if arm.kind == "distilled" else self.curated["accepted"])
        job = self._job_name(arm.name)
        return ArmSummary(
            name=arm.name,
            kind=arm.kind,
            answers=[draws.answered(self.night, arm.name, by_token=False, is_stored=False)],
            dataset={
                "train_uri": self.folder.dataset(digest(job), "train.jsonl"),
                "validation_uri": None,
                "sha256": digest(job),
                "records": records,
                "tokens": records * _TOKENS_PER_RECORD,
                "uploaded": True,
            },
            trained={
                "job_name": job,
                "job_arn": self._arn(f"model-customization-job/{job}"),
                "status": "Completed",
                "model_arn": self.model_arn(arm.name),
                "training_loss": draws.losses(self.night, arm.name)[-1]["loss"],
                "output_uri": "",
            },
            serving=self._arn(f"provisioned-model/{job}"),
            student=self.use_case.student,
            model_arn=self.model_arn(arm.name),
            paid_training=True,
            job_lines=self._job_lines(arm, records, load_prices()),
            teacher=self.use_case.job_teacher(arm.name),
            unit_hours=_ENDPOINT_HOURS,
        )

    def _job_lines(self, arm: Arm, records: int, prices: Prices) -> list[BillLine]:
        tokens = records * _TOKENS_PER_RECORD
        asked = self.use_case.job_teacher(arm.name)
        teacher = prices.token_lines(f"teacher {arm.name}", asked, tokens, 150 * records) if asked else []
        return [*teacher, prices.training_line(arm.name, self.use_case.student, tokens * self.use_case.epochs)]


def _complete(answers: int) -> AnswerEndings:
    return {
        "answers": answers,
        "complete": answers,
        "truncated": 0,
        "filtered": 0,
        "malformed": 0,
        "interrupted": 0,
        "empty": 0,
        "unknown": 0,
        "unknown_stop_reasons": {},
    }
