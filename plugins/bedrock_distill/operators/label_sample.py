"""Draw a blinded sample of a run, which people then label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from bedrock_distill.operators.collect_labels import refuse_foreign_sheet
from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.label_task import LabelTask
from bedrock_distill.run.ownership import require_run_of
from bedrock_distill.run.task_ids import REPORT
from include.distill.config.layout import Layout
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import InputError, NotFoundError
from include.distill.core.naming import label_dag_id
from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.dataset.records import Row
from include.distill.labeling.label_params import (
    MAX_SAMPLE_SIZE,
    LabelParams,
    label_field,
    parse_label_params,
    require_workers,
)
from include.distill.labeling.records import LabelExample, SampleManifest
from include.distill.labeling.sample import draw_sample, key_name
from include.distill.labeling.sheets import has_labels, render_sheet
from include.distill.report.past_runs import newest_entries
from include.distill.report.relabeling import answers_by_arm
from include.distill.report.stored_report import read_compared_pairs, read_listed_run_key

if TYPE_CHECKING:
    from airflow.sdk import Context


class DrawLabelSampleOperator(LabelTask, RunAccess, BaseOperator):
    """
    Draw a sample from a run that has a report. Write the sample's key and, if the form asks for it, a sheet.

    The key says which arm gave which answer. The task costs nothing. Retrying or clearing the task draws the same
    sample. A sheet that contains labels is never overwritten. A key is never overwritten. If answers of the run change,
    a new key is written next to the old one.

    :param use_case_name: the use case of the DAG. A run of another use case is refused.
    :param use_cases: the folder of use cases, which say where the run is stored.
    :return: ``{"run_uri", "candidate", "baseline", "examples", "sheet_uri", "key_uri", "how"}``
    :raises InputError: the form, the run or the pair of arms is not valid; no person was asked.
    """

    ui_color = "#e6f4ea"

    def __init__(self, *, use_case_name: str, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_case_name = use_case_name
        self.use_cases = use_cases

    def execute(self, context: Context) -> SampleManifest:
        """Find the run, and draw and write the sample; return its URIs."""
        choice = parse_label_params(configuration_of(context), self.use_case_name)
        use_case = load_use_case(self.use_cases / f"{self.use_case_name}.yaml")
        require_workers(choice, use_case)
        self.aws_conn_id, self.region_name = use_case.aws.conn_id, use_case.aws.region
        self.bucket_owners, self.kms_key_arn = use_case.bucket_owners, use_case.storage.kms_key_arn
        layout = Layout(use_case.storage)
        self.run_uri = layout.run_uri(self.use_case_name, choice.run_key or self._newest_run_key(layout))
        require_run_of(self.use_case_name, self.store, self.folder)
        if choice.labelled_csv:
            refuse_foreign_sheet(choice.labelled_csv, self.folder, use_case)
        candidate, baseline = pair = self._pair(choice)
        rows = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        # The key always covers the largest possible sample, so drawing a smaller sample later does not shorten the key.
        drawn = draw_sample(
            rows,
            answers_by_arm(self.store, self.folder, self.use_case, rows),
            pair=pair,
            examples=MAX_SAMPLE_SIZE,
            seed=self.use_case.seed,
            run_key=self.folder.run_key,
        )
        if not drawn:
            raise InputError(
                f"{candidate} and {baseline} gave the same answer to all {len(rows)} questions of run"
                f" {self.folder.run_key}, so there is nothing to label.",
                left="No person was asked.",
                to_do=self._trigger_again("candidate", "baseline", advice="another pair of arms"),
            )
        sheet, key = (self.folder.label_sample(*pair, name) for name in ("sheet.csv", key_name(drawn)))
        write_jsonl(self.store, key, drawn)
        if choice.how == "write the sheet only":
            self._write_sheet(sheet, drawn, choice.examples)
        return {
            "run_uri": self.run_uri,
            "candidate": candidate,
            "baseline": baseline,
            "examples": min(choice.examples, len(drawn)),
            "sheet_uri": sheet,
            "key_uri": key,
            "how": choice.how,
        }

    def _write_sheet(self, uri: str, drawn: Sequence[LabelExample], examples: int) -> None:
        if self.store.exists(uri) and has_labels(self.store.read(uri), drawn):
            self.log.warning(
                "%s is not overwritten, because it contains labels or cannot be read. Move it to get a new sheet.", uri
            )
            return
        self.store.write(uri, render_sheet(drawn[:examples]))
        self.log.info("Wrote a sheet to %s. Number of examples: %s", uri, len(drawn[:examples]))

    def _newest_run_key(self, layout: Layout) -> str:
        uris = newest_entries(self.store.list(layout.reports(self.use_case_name)), 1)
        if not uris:
            raise InputError(
                f"Use case {self.use_case_name} has no run with a report yet.",
                left="No person was asked.",
                to_do=f"Trigger distill_{self.use_case_name} and wait until its task {REPORT} has succeeded."
                f" Then clear {self.task_to_clear}. The form can stay as it is.",
            )
        return read_listed_run_key(self.store, uris[0])

    def _pair(self, choice: LabelParams) -> tuple[str, str]:
        try:
            pairs = read_compared_pairs(self.store, self.folder.report("json"))
        except NotFoundError as error:
            raise InputError(
                f"Run {self.folder.run_key} of {self.use_case_name} has no report ({error.happened.rstrip('.')}).",
                left="No person was asked.",
                to_do=self._trigger_again("run_key", advice="the run key of a run with a report, or an empty field"),
            ) from error
        if not pairs:
            raise InputError(
                f"Run {self.folder.run_key} of {self.use_case_name} compared no arms, so there is nothing to label.",
                left="No person was asked.",
                to_do=self._trigger_again("run_key", advice="the run key of a run that compared arms"),
            )
        wanted = (choice.candidate, choice.baseline) if choice.candidate and choice.baseline else pairs[0]
        if wanted not in pairs:
            compared = ", ".join(f"{candidate} with {baseline}" for candidate, baseline in pairs)
            raise InputError(
                f"Run {self.folder.run_key} did not compare {wanted[0]} with {wanted[1]}.",
                left="No person was asked.",
                to_do=self._trigger_again("candidate", "baseline", advice=f"one of its comparisons: {compared}"),
            )
        return wanted

    def _trigger_again(self, *keys: str, advice: str) -> str:
        fields = " and ".join(label_field(key) for key in keys)
        return f"Trigger {label_dag_id(self.use_case_name)} again. Enter in {fields}: {advice}."
