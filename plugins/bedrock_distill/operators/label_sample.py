"""
Draw a blinded sample of a run, have people label it, and add their labels to the report.

Texts that models wrote are shown as plain text. ``ask`` reads these texts from S3 when it shows the form. They are
never rendered as a template, and they are escaped, so they cannot look like a heading of the form.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.label_question import question_body
from bedrock_distill.operators.label_task import LabelTask
from bedrock_distill.operators.records import LabelResponse
from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.ownership import require_run_of
from bedrock_distill.run.task_ids import REPORT
from include.distill.config.allowed_inputs import input_problem
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import FAILED_TASK, InputError, NotFoundError
from include.distill.core.input_files import open_input
from include.distill.core.naming import label_dag_id
from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.dataset.records import Row
from include.distill.labeling.label_params import MAX_SAMPLE_SIZE, LabelParams, label_field, parse_label_params
from include.distill.labeling.label_store import store_labels
from include.distill.labeling.labeler_names import labeler_name
from include.distill.labeling.records import Choice, LabelExample, LabelsManifest, SampleManifest
from include.distill.labeling.sample import LABEL_CHOICES, NO_ANSWER, draw_sample, key_name, to_labels
from include.distill.labeling.sheets import SheetLabels, has_labels, read_sheet, render_sheet
from include.distill.report.past_runs import newest_entries
from include.distill.report.records import Report
from include.distill.report.relabeling import answers_by_arm, relabel_report
from include.distill.report.stored_report import read_compared_pairs, read_listed_run_key
from include.distill.report.tables import agreement_rows, agreement_sentence

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.config.use_case import UseCase

MAX_SHEET_BYTES = 64 * 2**20  # at most 200 examples, each with a document of at most 60,000 characters


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
        self.aws_conn_id, self.region_name = use_case.aws.conn_id, use_case.aws.region
        self.bucket_owners = use_case.bucket_owners
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


class SampleAccess(LabelTask, RunAccess):
    """
    Read a drawn sample. A mixin for operators.

    The task class sets ``sample``, the manifest of the task ``draw_sample``, and ``use_case_name``.
    """

    sample: SampleManifest
    use_case_name: str

    def open_sample(self) -> list[LabelExample]:
        """
        Read the key of the sample, and return its examples.

        After this call, the operator works on the sample's run.

        :raises InputError: the manifest does not name a run and a sample of this use case. A user could have edited
            the manifest in Airflow.
        """
        self.run_uri = self.sample["run_uri"]
        require_run_of(
            self.use_case_name, self.store, self.folder, left="This task read no answers, and no label was stored."
        )
        pair = self.sample["candidate"], self.sample["baseline"]
        for uri in (self.sample["key_uri"], self.sample["sheet_uri"]):
            if uri != self.folder.label_sample(*pair, uri.rpartition("/")[2]):
                raise InputError(
                    f"The result of draw_sample names a file that is not in the sample of run {self.folder.run_key}.",
                    left="This task read no answers, and no label was stored.",
                    to_do="Clear draw_sample with downstream.",
                )
        return read_jsonl(self.store, self.sample["key_uri"], LabelExample)


class ListExamplesOperator(LabelTask, BaseOperator):
    """
    Return the indices of the examples that people label in Airflow. The next task is mapped over the indices.

    If people label on a sheet, the list is empty. The task costs nothing.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :return: the indices of the examples, from 0.
    """

    template_fields: Sequence[str] = ("sample",)
    ui_color = "#e6f4ea"

    def __init__(self, *, sample: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sample: SampleManifest = sample

    def execute(self, context: Context) -> list[int]:
        """Return the indices of the examples; there is one task ``ask`` for each of them."""
        return list(range(self.sample["examples"] if self.sample["how"] == "ask in Airflow" else 0))


class AskLabelOperator(SampleAccess, HITLOperator):
    """
    Ask a person which of two answers is better, without naming the arms.

    The question appears in Airflow's UI ("Required Actions"); the task waits without a worker slot. If no one answers
    in time, the choice is "No answer". Retrying or clearing the task asks again.

    :param number: number of the example, from 0. (templated)
    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :return: the result of Airflow's ``HITLOperator`` (the choice and who made it) and ``number``.
    """

    # Not subject and body: they contain text that models wrote, which must not be rendered as a template.
    template_fields: Sequence[str] = ("number", "sample")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        number: int,
        sample: Any,
        use_case_name: str,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject="", options=list(LABEL_CHOICES), defaults=NO_ANSWER, **kwargs)
        self.number = number
        self.sample: SampleManifest = sample
        self.use_case_name = use_case_name
        self.aws_conn_id, self.region_name, self.bucket_owners = aws_conn_id, region_name, bucket_owners

    def execute(self, context: Context) -> Any:
        """Ask a person which answer of the example is better, and wait for the choice."""
        example = self.open_sample()[int(self.number)]
        choice = parse_label_params(configuration_of(context), self.use_case_name)
        self.response_timeout = datetime.timedelta(hours=choice.hours)
        self.subject = f"Example {int(self.number) + 1} of {self.sample['examples']}: which answer is better?"
        self.body = question_body(example)
        self.log.info(
            "Waiting up to %g h for an answer in Required Actions of this run. Nothing is billed.", choice.hours
        )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> LabelResponse:
        """Return the person's choice, with the number of the example."""
        response: LabelResponse = super().execute_complete(context, event)
        # A result's position can differ from its example's number: a task that is marked by hand has no result.
        return {**response, "number": int(self.number)}


class CollectLabelsOperator(SampleAccess, BaseOperator):
    """
    Store people's labels, and write the run's report again with the labels.

    The task costs nothing. Retrying or clearing the task stores the same labels. If a labeler labels a question twice,
    the second label replaces the first. A label counts only for the answers that were shown, not for later answers.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, which say where a labeled sheet may be.
    :param answered: results of the mapped tasks of ``ask``. (templated)
    :return: ``{"labels", "no_answer", "outdated", "labellers", "report_html_uri"}``; ``outdated`` counts the
        labels of a sheet that are left out because the answers have changed since the sheet was written.
    :raises InputError: the labeled sheet is not valid; the message names line and column. Nothing was stored.
    """

    template_fields: Sequence[str] = ("sample", "answered")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        sample: Any,
        answered: Any,
        use_case_name: str,
        use_cases: Path = USE_CASES_FOLDER,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sample: SampleManifest = sample
        self.use_case_name = use_case_name
        self.use_cases = use_cases
        self.aws_conn_id, self.region_name, self.bucket_owners = aws_conn_id, region_name, bucket_owners
        self.answered = answered

    def execute(self, context: Context) -> LabelsManifest:
        """Read and store the labels; write the report."""
        examples, choice = self.open_sample(), parse_label_params(configuration_of(context), self.use_case_name)
        if choice.how == "write the sheet only":
            raise AirflowSkipException(
                f"The sheet is {self.sample['sheet_uri']}. Fill it in, then trigger this DAG again to read the labels."
            )
        sheet = self._labels_of_sheet(choice, examples) if choice.how == "read a labelled sheet" else None
        labels_by_person = {str(choice.labeller): sheet.labels} if sheet else self._labels_of_answers(choice, examples)
        pair, now = (self.sample["candidate"], self.sample["baseline"]), datetime.datetime.now(datetime.UTC)
        labels = [
            label
            for labeler, choices in labels_by_person.items()
            for label in to_labels(choices, examples, pair=pair, labeler=labeler, now=now.isoformat(timespec="seconds"))
        ]
        store_labels(self.store, self.folder, labels)
        asked = len(sheet.labels) if sheet else self.sample["examples"]
        self._log_agreement(relabel_report(self.store, self.folder, self.use_case))
        return {
            "labels": len(labels),
            "no_answer": asked - len({label["row_id"] for label in labels}),
            "outdated": sheet.outdated if sheet else 0,
            "labellers": sorted({label["labeller"] for label in labels}),
            "report_html_uri": self.folder.report("html"),
        }

    def _log_agreement(self, report: Report) -> None:
        for line in agreement_rows(report["agreement"]):
            self.log.info("%s", agreement_sentence(line))
        if changed := report["labels"]["changed"]:
            self.log.warning(
                "%s stored labels are left out, because the labeled answers of the run have changed.", changed
            )
        if unmarked := report["labels"]["unmarked"]:
            self.log.warning(
                "%s stored labels are left out, because they do not name the answers that were labeled.", unmarked
            )

    def _labels_of_sheet(self, choice: LabelParams, examples: Sequence[LabelExample]) -> SheetLabels:
        uri = choice.labelled_csv or str(self.sample["sheet_uri"])
        # Read the use-case file: the frozen use case also contains values from the trigger form of the run.
        refuse_foreign_sheet(uri, self.folder, load_use_case(self.use_cases / f"{self.use_case_name}.yaml"))
        with open_input(uri, self.store, expected="expected a sheet of this run, with labels filled in") as file:
            body = file.read(MAX_SHEET_BYTES + 1)
        if len(body) > MAX_SHEET_BYTES:
            raise InputError(
                f"{uri} is larger than {MAX_SHEET_BYTES:,} bytes, so it cannot be a sheet from this DAG.",
                left="No label was stored.",
                to_do=f"Trigger {label_dag_id(self.use_case_name)} with a sheet in {label_field('labelled_csv')}.",
            )
        sheet = read_sheet(body, examples, source=uri.rsplit("/", 1)[-1])
        outdated = f"{sheet.outdated} labels are for answers that have changed since the sheet was written"
        if set(sheet.labels.values()) <= {NO_ANSWER}:
            reason = outdated if sheet.outdated else "the column `label` is empty"
            raise InputError(
                f"{uri} has no label for the run's answers: {reason}.",
                left="Nothing was stored.",
                to_do="Move the sheet, and trigger the DAG again." if sheet.outdated else "Fill in the column.",
                then_clear="" if sheet.outdated else FAILED_TASK,
            )
        if sheet.outdated:
            self.log.warning("%s: %s. These labels are left out.", uri, outdated)
        return sheet

    def _labels_of_answers(self, choice: LabelParams, examples: Sequence[LabelExample]) -> dict[str, dict[str, Choice]]:
        labels_by_person: dict[str, dict[str, Choice]] = {}
        # Slicing fetches all answers in one request.
        for answer in self.answered[:]:
            user = answer.get("responded_by_user")  # None if no one answered in time
            if user:
                labeler = choice.labeller or labeler_name(str(user.get("name") or user.get("id") or ""))
                example = examples[answer["number"]]["example"]
                labels_by_person.setdefault(labeler, {})[example] = answer["chosen_options"][0]
        return labels_by_person


def refuse_foreign_sheet(uri: str, folder: RunFolder, use_case: UseCase) -> None:
    """Refuse a sheet outside of the run's folder, unless the use case allows forms to name the place of the sheet."""
    is_of_the_run = uri.startswith(f"{folder.uri}/report/label_sample/") and "/../" not in uri
    if not is_of_the_run and (problem := input_problem(uri, use_case)):
        raise InputError(
            f"{label_field('labelled_csv')}: {problem}",
            left="No label was stored.",
            to_do=f"Then trigger {label_dag_id(use_case.name)} again with the new place of the sheet.",
        )
