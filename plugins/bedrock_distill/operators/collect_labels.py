"""Store people's labels of a sample, and write the run's report again with the labels."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.label_task import LabelTask
from bedrock_distill.run.sample_access import SampleAccess
from bedrock_distill.run.task_ids import SUBMIT, workers_task
from include.distill.config.allowed_inputs import input_problem
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import FAILED_TASK, InputError
from include.distill.core.input_files import open_input
from include.distill.core.naming import label_dag_id
from include.distill.labeling.label_params import ASK_WORKERS, LabelParams, label_field, parse_label_params
from include.distill.labeling.label_store import store_labels
from include.distill.labeling.labeler_names import labeler_name, worker_labeler_name
from include.distill.labeling.records import Choice, LabelExample, LabelsManifest, SampleManifest
from include.distill.labeling.sample import NO_ANSWER, to_labels
from include.distill.labeling.sheets import SheetLabels, read_sheet
from include.distill.report.records import Report
from include.distill.report.relabeling import relabel_report
from include.distill.report.tables import agreement_rows, agreement_sentence

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.config.use_case import UseCase
    from include.distill.managed_evaluation.records import EvaluationResultManifest
    from include.distill.managed_evaluation.worker_answers import WorkerAnswers

MAX_SHEET_BYTES = 64 * 2**20  # at most 200 examples, each with a document of at most 60,000 characters


class CollectLabelsOperator(LabelTask, SampleAccess, BaseOperator):
    """
    Store people's labels, and write the run's report again with the labels.

    The task costs nothing. Retrying or clearing the task stores the same labels. If a labeler labels a question twice,
    the second label replaces the first. A label counts only for the answers that were shown, not for later answers.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, which say where a labeled sheet may be.
    :param answered: results of the mapped tasks of ``ask``. (templated)
    :param worked: result of the task that waits for human workers; ``None`` if the DAG has no such task. (templated)
    :return: ``{"labels", "no_answer", "outdated", "labellers", "report_html_uri"}``; ``outdated`` counts the
        labels of a sheet that are left out because the answers have changed since the sheet was written. For human
        workers also ``invalid`` and ``missing``: the answers that cannot be used, and those that were not given.
    :raises InputError: the labeled sheet is not valid, and the message names line and column; or no answer of a human
        worker can be used. Nothing was stored.
    """

    template_fields: Sequence[str] = ("sample", "answered", "worked")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        sample: Any,
        answered: Any,
        use_case_name: str,
        worked: Any = None,
        use_cases: Path = USE_CASES_FOLDER,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sample: SampleManifest = sample
        self.use_case_name = use_case_name
        self.use_cases = use_cases
        self.aws_conn_id, self.region_name, self.bucket_owners = aws_conn_id, region_name, bucket_owners
        self.kms_key_arn = kms_key_arn
        self.answered = answered
        self.worked = worked

    def execute(self, context: Context) -> LabelsManifest:
        """Read and store the labels; write the report."""
        examples, choice = self.open_sample(), parse_label_params(configuration_of(context), self.use_case_name)
        if choice.how == "write the sheet only":
            raise AirflowSkipException(
                f"The sheet is {self.sample['sheet_uri']}. Fill it in, then trigger this DAG again to read the labels."
            )
        sheet = self._labels_of_sheet(choice, examples) if choice.how == "read a labelled sheet" else None
        workers = self._answers_of_workers(examples) if choice.how == ASK_WORKERS else None
        if sheet:
            labels_by_person = {str(choice.labeller): sheet.labels}
        elif workers:
            labels_by_person = {worker_labeler_name(worker): given for worker, given in workers.choices.items()}
        else:
            labels_by_person = self._labels_of_answers(choice, examples)
        pair, now = (self.sample["candidate"], self.sample["baseline"]), datetime.datetime.now(datetime.UTC)
        labels = [
            label
            for labeler, choices in labels_by_person.items()
            for label in to_labels(choices, examples, pair=pair, labeler=labeler, now=now.isoformat(timespec="seconds"))
        ]
        store_labels(self.store, self.folder, labels)
        asked = len(sheet.labels) if sheet else self.sample["examples"]
        self._log_agreement(relabel_report(self.store, self.folder, self.use_case))
        manifest: LabelsManifest = {
            "labels": len(labels),
            "no_answer": asked - len({label["row_id"] for label in labels}),
            "outdated": sheet.outdated if sheet else 0,
            "labellers": sorted({label["labeller"] for label in labels}),
            "report_html_uri": self.folder.report("html"),
        }
        if workers:
            manifest |= {"invalid": workers.invalid, "missing": workers.missing(self._expected_answers(workers))}
        return manifest

    def _answers_of_workers(self, examples: Sequence[LabelExample]) -> WorkerAnswers:
        """Read the answers of human workers from the output of their job.

        :raises InputError: there is no result of the job, or no answer can be used.
        """
        from include.distill.managed_evaluation.worker_answers import read_worker_answers

        result = self._result_of_workers()
        answers = read_worker_answers(self.store, result, examples[: self.sample["examples"]])
        self.log.info(
            "Human workers: %d usable answers from %d workers; answers that were not given: %d.",
            *(answers.usable, len(answers.choices), answers.missing(self._expected_answers(answers))),
        )
        if answers.faults:
            self.log.warning(
                "Answers of workers that cannot be used: %d. Lines of the output that cannot be used: %d. Reasons: %s.",
                *(answers.invalid, answers.foreign_lines, "; ".join(answers.faults)),
            )
        if not answers.usable:
            raise InputError(
                f"The output of job {result['job_name']} has no answer of a worker that can be used"
                f" ({'; '.join(answers.faults) or 'it has no answers'}).",
                left="Nothing was stored.",
                billed="The answers that workers gave are billed.",
                to_do=f"Look at the output in {result['output_uri']}.",
                then_clear=FAILED_TASK,
            )
        return answers

    def _result_of_workers(self) -> EvaluationResultManifest:
        """
        Return the result of the task that waited for the workers.

        :raises InputError: the task has no result, or a user has edited the result in Airflow.
        """
        result: EvaluationResultManifest | None = self.worked
        roots = tuple(f"{root}/evaluations/" for root in Layout(self.use_case.storage).roots)
        if result and result["output_uri"].startswith(roots) and "/../" not in result["output_uri"]:
            return result
        raise InputError(
            "The task that waits for the human workers has no result with an output of this use case.",
            left="No label was stored.",
            to_do=f"Clear {workers_task(SUBMIT)} with downstream. It finds the job by its name.",
        )

    def _expected_answers(self, answers: WorkerAnswers) -> int:
        human = load_use_case(self.use_cases / f"{self.use_case_name}.yaml").human_workers
        return int(self.sample["examples"]) * (human.workers if human else len(answers.choices))

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
