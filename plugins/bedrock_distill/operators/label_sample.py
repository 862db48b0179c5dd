"""
A blinded sample that people label: drawn, asked in Airflow or on a sheet, collected into the report.

Every model's text is shown as text: it is read from S3 while the question is put, never part of a template, and stands
in quotes that it cannot leave.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.base import Manifest, mapped_manifests
from bedrock_distill.run.access import RunAccess
from include.distill.config.layout import Layout
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import InputError, NotFoundError
from include.distill.core.input_files import open_input
from include.distill.core.storage import Record, read_json, read_jsonl, write_jsonl
from include.distill.labeling.label_store import store_labels
from include.distill.labeling.sheets import (
    LABEL_CHOICES,
    MAX_SAMPLE_SIZE,
    LabelParams,
    SheetLabels,
    draw_sample,
    has_labels,
    key_name,
    labeller_name,
    parse_label_params,
    read_sheet,
    render_sheet,
    to_labels,
)
from include.distill.report.markdown import as_quote
from include.distill.report.past_runs import newest_entries
from include.distill.report.relabeling import answers_by_arm, relabel_report
from include.distill.report.tables import agreement_rows

if TYPE_CHECKING:
    from airflow.sdk import Context

# A question is read on one page; a longer document is cut there, and whole in the sheet.
MAX_DOCUMENT_CHARACTERS = 20_000


class DrawLabelSampleOperator(RunAccess, BaseOperator):
    """
    Draw the sample of a run with a report, and write its key, and its sheet where one was asked for.

    Free; a retry draws the same. A sheet that somebody has filled in where it lies is never written over, and neither
    is a key: when answers of the run change, a new one lies beside it.

    :param use_cases: the folder of use cases; they say where the run lies.
    :return: ``{"run_uri", "aws_conn_id", "region_name", "candidate", "baseline", "examples", "sheet_uri", "key_uri",
        "how"}``
    :raises InputError: the form, the run or the pair of arms; nothing was asked.
    """

    ui_color = "#e6f4ea"

    def __init__(self, *, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_cases = use_cases

    def execute(self, context: Context) -> Manifest:
        """Find the run, draw, write, and return where."""
        choice = parse_label_params(context["params"])
        stated = load_use_case(self.use_cases / f"{choice.use_case}.yaml")
        self.aws_conn_id, self.region_name = stated.aws.conn_id, stated.aws.region
        self.run_uri = Layout(stated.storage).run_uri(choice.run_key or self._newest(Layout(stated.storage), choice))
        candidate, baseline = pair = self._pair(choice)
        rows = read_jsonl(self.store, self.folder.source("evaluation"))
        # The key is of the largest sample, whatever is asked for: a smaller drawing beside this one must not cut it.
        drawn = draw_sample(
            rows,
            answers_by_arm(self.store, self.folder, self.use_case, rows),
            pair=pair,
            examples=MAX_SAMPLE_SIZE,
            seed=self.use_case.seed,
            run_key=self.folder.run_key,
        )
        if not drawn:
            raise InputError(f"{candidate} and {baseline} gave the same answer to all {len(rows)} questions.")
        sheet, key = (self.folder.label_sample(*pair, name) for name in ("sheet.csv", key_name(drawn)))
        write_jsonl(self.store, key, drawn)
        if choice.how == "write the sheet only":
            self._write_sheet(sheet, drawn, choice.examples)
        return {
            "run_uri": self.run_uri,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "candidate": candidate,
            "baseline": baseline,
            "examples": min(choice.examples, len(drawn)),
            "sheet_uri": sheet,
            "key_uri": key,
            "how": choice.how,
        }

    def _write_sheet(self, uri: str, drawn: Sequence[Record], examples: int) -> None:
        if self.store.exists(uri) and has_labels(self.store.read(uri), drawn):
            self.log.warning("%s stays as it is: it holds labels, or cannot be read. Move it to have a new one.", uri)
            return
        self.store.write(uri, render_sheet(drawn[:examples]))
        self.log.info("%s examples: %s", len(drawn[:examples]), uri)

    def _newest(self, layout: Layout, choice: LabelParams) -> str:
        uris = newest_entries(self.store.list(layout.reports(choice.use_case)), 1)
        if not uris:
            raise InputError(f"Use case {choice.use_case} has no run with a report. Nothing was asked.")
        return str(read_json(self.store, uris[0])["run_key"])

    def _pair(self, choice: LabelParams) -> tuple[str, str]:
        try:
            report = read_json(self.store, self.folder.report("json"))
        except NotFoundError as error:
            message = f"Run {self.folder.run_key} of {choice.use_case} has no report. Nothing was asked. ({error})"
            raise InputError(message) from error
        pairs = list(
            dict.fromkeys((comparison["candidate"], comparison["baseline"]) for comparison in report["comparisons"])
        )
        wanted = (choice.candidate, choice.baseline) if choice.candidate and choice.baseline else pairs[0]
        if wanted not in pairs:
            choices = ", ".join(f"{candidate} with {baseline}" for candidate, baseline in pairs)
            raise InputError(f"The run did not compare {wanted[0]} with {wanted[1]}; it compared {choices}.")
        return wanted


class SampleAccess(RunAccess):
    """
    A task of a sample that was drawn.

    ``sample`` is set by the task class: the manifest of the drawing.
    """

    sample: Any

    def open_sample(self) -> list[Record]:
        """Go to the run's folder and return the examples, which may be more than are asked about."""
        self.run_uri = self.sample["run_uri"]
        self.aws_conn_id, self.region_name = self.sample["aws_conn_id"], self.sample["region_name"]
        return read_jsonl(self.store, self.sample["key_uri"])


class ListExamplesOperator(BaseOperator):
    """
    List the examples that Airflow asks about, one task each; none when they are on a sheet. Free.

    :param sample: manifest of the drawing. (templated)
    :return: their numbers, from 0.
    """

    template_fields: Sequence[str] = ("sample",)
    ui_color = "#e6f4ea"

    def __init__(self, *, sample: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sample = sample

    def execute(self, context: Context) -> list[int]:
        """Return the numbers to map over."""
        return list(range(self.sample["examples"] if self.sample["how"] == "ask in Airflow" else 0))


class AskLabelOperator(SampleAccess, HITLOperator):
    """
    Ask a person which of two answers is better; nobody sees whose they are.

    Waits in Airflow's UI ("Required Actions") without a worker slot. When the time is up it is no answer. A retry or a
    clear asks again.

    :param number: of the example, from 0. (templated)
    :param sample: manifest of the drawing. (templated)
    :return: what Airflow's ``HITLOperator`` returns, the choice and who made it, and ``number``.
    """

    # Not subject and body: they hold what models wrote, which is text and no template.
    template_fields: Sequence[str] = ("number", "sample")
    ui_color = "#fef7e0"

    def __init__(self, *, number: int, sample: Any, **kwargs: Any) -> None:
        super().__init__(subject="", options=list(LABEL_CHOICES), defaults=LABEL_CHOICES[-1], **kwargs)
        self.number = number
        self.sample = sample

    def execute(self, context: Context) -> Any:
        """Put the question, and wait."""
        example = self.open_sample()[int(self.number)]
        self.response_timeout = datetime.timedelta(hours=parse_label_params(context["params"]).hours)
        self.subject = f"Example {int(self.number) + 1} of {self.sample['examples']}: which answer is better?"
        self.body = question_body(example)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Return the choice with the number of its example: one marked by hand returns nothing, and leaves a gap."""
        return {**super().execute_complete(context, event), "number": int(self.number)}


class CollectLabelsOperator(SampleAccess, BaseOperator):
    """
    Store what people said and write the run's report anew with it.

    Free. A retry or a clear stores the same; a question that its labeller labelled before takes the new label.

    Labels are of the answers that were shown; those of answers that the run no longer has do not count.

    :param sample: manifest of the drawing. (templated)
    :param answered: what the questions returned. (templated)
    :return: ``{"labels", "no_answer", "outdated", "labellers", "report_html_uri"}``; ``outdated`` labels of a sheet are
        left out: the answers have changed since it was written
    :raises InputError: the labelled sheet cannot be used; names line and column, and nothing was stored.
    """

    template_fields: Sequence[str] = ("sample", "answered")
    ui_color = "#fef7e0"

    def __init__(self, *, sample: Any, answered: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sample = sample
        self.answered = answered

    def execute(self, context: Context) -> Manifest:
        """Read the labels, store them, and write the report."""
        examples, choice = self.open_sample(), parse_label_params(context["params"])
        if choice.how == "write the sheet only":
            raise AirflowSkipException(
                f"The sheet lies in {self.sample['sheet_uri']}; labels come back by another run."
            )
        sheet = self._of_sheet(choice, examples) if choice.how == "read a labelled sheet" else None
        labels_by_person = {str(choice.labeller): sheet.labels} if sheet else self._of_answers(choice, examples)
        pair, now = (self.sample["candidate"], self.sample["baseline"]), datetime.datetime.now(datetime.UTC)
        labels = [
            label
            for labeller, choices in labels_by_person.items()
            for label in to_labels(
                choices, examples, pair=pair, labeller=labeller, now=now.isoformat(timespec="seconds")
            )
        ]
        store_labels(self.store, self.folder, labels)
        put = len(sheet.labels) if sheet else self.sample["examples"]
        self._tell(relabel_report(self.store, self.folder, self.use_case))
        return {
            "labels": len(labels),
            "no_answer": put - len({label["row_id"] for label in labels}),
            "outdated": sheet.outdated if sheet else 0,
            "labellers": sorted({label["labeller"] for label in labels}),
            "report_html_uri": self.folder.report("html"),
        }

    def _tell(self, report: Mapping[str, Any]) -> None:
        for line in agreement_rows(report["agreement"]):
            text = line["too_few"] or f"kappa {line['kappa']} on {line['n']}"
            self.log.info("%s and %s: %s", line["first"], line["second"], text)
        if apart := {why: report["labels"][why] for why in ("changed", "unmarked") if report["labels"][why]}:
            self.log.warning("Stored labels that do not count, not being of the run's answers: %s", apart)

    def _of_sheet(self, choice: LabelParams, examples: Sequence[Record]) -> SheetLabels:
        uri = choice.labelled_csv or str(self.sample["sheet_uri"])
        with open_input(uri, self.store, expected="expected a sheet of this run with its labels filled in") as file:
            body = file.read()
        sheet = read_sheet(body, examples, source=uri.rsplit("/", 1)[-1])
        outdated = f"{sheet.outdated} labels are of answers that have changed since the sheet was written"
        if set(sheet.labels.values()) <= {LABEL_CHOICES[-1]}:
            why = f"{outdated}; move it, and have a new one written" if sheet.outdated else "its column label is empty"
            raise InputError(f"{uri} holds no label of the run's answers: {why}. Nothing was stored.")
        if sheet.outdated:
            self.log.warning("%s: %s; they were left out.", uri, outdated)
        return sheet

    def _of_answers(self, choice: LabelParams, examples: Sequence[Record]) -> dict[str, dict[str, str]]:
        labels_by_person: dict[str, dict[str, str]] = {}
        for answer in mapped_manifests(self.answered):
            user = answer.get("responded_by_user")  # nobody, when the time was up
            if user:
                labeller = choice.labeller or labeller_name(str(user.get("name") or user.get("id") or ""))
                labels_by_person.setdefault(labeller, {})[examples[answer["number"]]["example"]] = answer[
                    "chosen_options"
                ][0]
        return labels_by_person


def question_body(example: Mapping[str, str]) -> str:
    """Return what a person reads of an example: question and document, and last, above the choices, both answers."""
    document = example["document"]
    cut = len(document) > MAX_DOCUMENT_CHARACTERS
    return "\n\n".join(
        [
            "**Question**",
            as_quote(example["question"]),
            f"**Document**{' (its beginning; a sheet has all of it)' if cut else ''}",
            as_quote(document[:MAX_DOCUMENT_CHARACTERS]),
            "**Answer A**",
            as_quote(example["answer_a"]),
            "**Answer B**",
            as_quote(example["answer_b"]),
        ]
    )
