"""Merge an arm's training set, check it, and copy it to a folder named after its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lineage.assets import publish
from bedrock_distill.operators.base import ArmOperator
from bedrock_distill.run.task_ids import CURATE, MERGE
from bedrock_distill.run.task_results import ResultOf, read_mapped_results
from bedrock_distill.ui.links import TRAINING_DATA_LINK
from include.distill.config.training_method import PRE_TRAINING, training_family
from include.distill.core.records import BillLineRecord
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.curation.records import CurateManifest
from include.distill.training.records import DatasetEvent, DatasetManifest, MergeManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage
    from include.distill.config.arms import Arm
    from include.distill.config.catalog import Family
    from include.distill.config.prompts import Prompt
    from include.distill.training.training_set import TrainingSet


class MergeDatasetOperator(ArmOperator):
    """
    Merge original rows and synthetic pairs into the arm's training file, in the format of the student's model family.

    For an arm of kind ``distilled``, the file contains the prompts of the distillation job, in the format
    ``bedrock-conversation-2024`` for all families. A prompt has the same texts as a request to the student. It has an
    answer only if the arm sets ``golden_answers``.
    With ``training.method: continued_pre_training``, the file has the documents of the rows alone, each once.

    The task checks every limit of the model family before anything is bought, and writes a data card next to the file.
    Rows are streamed; only their ids are held in memory. The task buys nothing. Retrying or clearing the task writes
    the same bytes.

    :param synthesis: a list with the manifest of the task ``curate``; empty if the use case has no pairs. (templated)
    :return: ``{"train_uri", "validation_uri", "card_uri", "sha256", "tokens", "records", "originals", "synthetic",
        "validation"}``, with continued pre-training ``"documents"``, and for a distilled arm ``"teacher"``. ``sha256``
        is one hash of the training and validation files. ``tokens`` is an estimate for one epoch, and ``teacher`` one
        for the teacher of a distillation job.
    :raises LimitError: the file exceeds a limit of the model family.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "synthesis")
    operator_extra_links = (TRAINING_DATA_LINK,)
    ui_color = "#e6f4ea"
    waits_for = "the training set of the arm to be merged and checked"

    def __init__(self, *, synthesis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.synthesis = synthesis

    def execute(self, context: Context) -> MergeManifest:
        """Merge, check and write the training set; return its URIs and counts."""
        from include.distill.training.data_card import data_card
        from include.distill.training.limits import family_for_arm
        from include.distill.training.training_set import TRAIN, VALIDATION

        curated = next(
            iter(read_mapped_results(self.synthesis, CurateManifest, task=CURATE, reader=self.task_id)), None
        )
        use_case = self.use_case
        student, arm = self.model(use_case.student), use_case.arm(self.arm)
        prompts = [self.prompt(use_case.prompts.synthesis), self.prompt(use_case.prompts.answering)]
        family = family_for_arm(arm, training_family(student, use_case.training))
        training_set = self._write(arm, family, prompts[1], curated)
        *teacher_price, training_price = self._job_price(training_set)
        card = data_card(
            arm,
            training_set,
            use_case=use_case,
            teacher=self.model(use_case.teacher),
            student=student,
            prompts=[*prompts, *([self.prompt(use_case.prompts.critic)] if use_case.critic else [])],
            synthesis=curated,
            training_price=training_price,
            teacher_price=teacher_price,
        )
        uris = {name: self.folder.merged(self.arm, name) for name in (TRAIN, VALIDATION, "data_card.json")}
        write_json(self.store, uris["data_card.json"], card)
        return self._manifest(training_set, uris)

    def lineage(self, result: MergeManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import merge_lineage

        return merge_lineage(self.use_case, self.folder, self.arm, result)

    def _job_price(self, training_set: TrainingSet) -> list[BillLineRecord]:
        """Return the bill lines of the job that trains on the set, the training last."""
        from include.distill.cost.job_price import job_lines, job_tokens

        tokens = job_tokens(training_set.tokens, training_set.teacher_tokens)
        return [line.as_record() for line in job_lines(self.use_case, self.arm, tokens, load_prices())]

    def _manifest(self, training_set: TrainingSet, uris: Mapping[str, str]) -> MergeManifest:
        from include.distill.training.training_set import TRAIN, VALIDATION

        counts = training_set.counts
        merged: MergeManifest = {
            "train_uri": uris[TRAIN],
            "validation_uri": uris[VALIDATION] if counts["validation"] else None,
            "card_uri": uris["data_card.json"],
            "sha256": training_set.sha256,
            "tokens": training_set.tokens,
            "originals": counts["originals"],
            "synthetic": counts["synthetic"],
            "records": counts["records"],
            "validation": counts["validation"],
        }
        if "documents" in counts:
            merged["documents"] = counts["documents"]
        if training_set.teacher_tokens:
            merged["teacher"] = training_set.teacher_tokens
        return merged

    def _write(self, arm: Arm, family: Family, prompt: Prompt, curated: CurateManifest | None) -> TrainingSet:
        """Write the training set by the use case's method of training."""
        if self.use_case.training.method == PRE_TRAINING:
            from include.distill.training.document_set import write_document_set

            return write_document_set(arm, store=self.store, folder=self.folder, use_case=self.use_case, family=family)
        from include.distill.training.training_set import write_training_set

        return write_training_set(
            arm,
            store=self.store,
            folder=self.folder,
            shards=curated["shards"] if curated else 0,
            use_case=self.use_case,
            prompt=prompt,
            family=family,
        )


class UploadDatasetOperator(ArmOperator):
    """
    Copy the arm's training set to the folder that Bedrock reads. The folder is named after the hash of the set.

    The same data always has the same URI, so an unchanged run sends the same request to Bedrock. The task buys nothing.
    Retrying or clearing the task copies nothing if the training set is already there.

    :param merged: manifest of the arm's task ``merge``. (templated)
    :return: ``{"train_uri", "validation_uri", "sha256", "records", "tokens", "uploaded": bool}``
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "merged")
    merged = ResultOf[MergeManifest](MERGE)
    operator_extra_links = (TRAINING_DATA_LINK,)
    ui_color = "#e6f4ea"
    waits_for = "the copy of the training set"

    def __init__(self, *, merged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.merged = merged

    def execute(self, context: Context) -> DatasetManifest:
        """Copy the training set unless it exists; return its URIs."""
        sha256, validation_source = self.merged["sha256"], self.merged["validation_uri"]
        train_uri = self.folder.dataset(sha256, "train.jsonl")
        validation_uri = self.folder.dataset(sha256, "validation.jsonl") if validation_source else None
        uploaded = not self.store.exists(train_uri)
        if uploaded:
            if validation_source and validation_uri:
                self.store.copy(validation_source, validation_uri)
            self.store.copy(self.merged["card_uri"], self.folder.dataset(sha256, "data_card.json"))
            # The training file is copied last: if it exists, the set is complete.
            self.store.copy(self.merged["train_uri"], train_uri)
        dataset: DatasetManifest = {
            "train_uri": train_uri,
            "validation_uri": validation_uri,
            "sha256": sha256,
            "records": self.merged["records"],
            "tokens": self.merged["tokens"],
            "uploaded": uploaded,
        }
        if teacher := self.merged.get("teacher"):
            dataset["teacher"] = teacher
        return dataset

    def lineage(self, result: DatasetManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.data_steps import upload_lineage

        return upload_lineage(self.merged, result)

    def publish_assets(self, context: Context, result: DatasetManifest) -> None:
        """Announce the training set, unless the same set was stored before."""
        event: DatasetEvent = {
            "train_uri": result["train_uri"],
            "validation_uri": result["validation_uri"],
            "sha256": result["sha256"],
            "records": result["records"],
            "arm": self.arm,
            "run_key": self.folder.run_key,
        }
        publish(self, context, event if result["uploaded"] else None)
