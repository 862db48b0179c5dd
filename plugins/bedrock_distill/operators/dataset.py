"""An arm's training set: merged, checked, and uploaded under its own hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import ArmOperator, Manifest, mapped_manifests
from bedrock_distill.ui.links import TRAINING_DATA_LINK
from include.distill.config.catalog import load_catalog
from include.distill.core.storage import write_json
from include.distill.cost.prices import load_prices
from include.distill.training.data_card import data_card
from include.distill.training.training_set import TRAIN, VALIDATION, write_training_set

if TYPE_CHECKING:
    from airflow.sdk import Context


class MergeDatasetOperator(ArmOperator):
    """
    Merge originals and synthetic pairs into the arm's training file, in the student family's format.

    Checks every limit of the family before anything is bought, and writes a data card beside the file. Rows are
    streamed: memory holds their identities. Free; a retry or a clear writes the same bytes.

    :param synthesis: manifest of ``curate``, in a list; an empty one when no pairs were asked for. (templated)
    :return: ``{"train_uri", "validation_uri", "card_uri", "sha256", "tokens", "records", "originals", "synthetic",
        "validation"}``; ``sha256`` is over training and validation bytes,
        ``tokens`` an estimate for the training file.
    :raises LimitError: the file breaks a limit of the family.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "synthesis")
    operator_extra_links = (TRAINING_DATA_LINK,)
    ui_color = "#e6f4ea"

    def __init__(self, *, synthesis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.synthesis = synthesis

    def execute(self, context: Context) -> Manifest:
        """Merge, check, write, and return where."""
        curated = next(iter(mapped_manifests(self.synthesis)), None)
        use_case, catalog = self.use_case, load_catalog()
        student, arm = self.model(use_case.student), use_case.arm(self.arm)
        prompts = [self.prompt(use_case.prompts.synthesis), self.prompt(use_case.prompts.answering)]
        training_set = write_training_set(
            arm,
            store=self.store,
            folder=self.folder,
            shards=curated["shards"] if curated else 0,
            use_case=use_case,
            prompt=prompts[1],
            family=catalog.family_of(student),
        )
        tokens = use_case.epochs * training_set.tokens
        training_price = load_prices().training_line(arm.name, use_case.student, tokens)
        card = data_card(
            arm,
            training_set,
            use_case=use_case,
            teacher=self.model(use_case.teacher),
            student=student,
            prompts=[*prompts, *([self.prompt(use_case.prompts.critic)] if use_case.critic else [])],
            synthesis=curated,
            training_price=training_price.as_record(),
        )
        uris = {name: self.folder.merged(self.arm, name) for name in (TRAIN, VALIDATION, "data_card.json")}
        write_json(self.store, uris["data_card.json"], card)
        return {
            "train_uri": uris[TRAIN],
            "validation_uri": uris[VALIDATION] if training_set.counts["validation"] else None,
            "card_uri": uris["data_card.json"],
            "sha256": training_set.sha256,
            "tokens": training_set.tokens,
            **training_set.counts,
        }


class UploadDatasetOperator(ArmOperator):
    """
    Put the arm's training set under its own hash, from where Bedrock reads it.

    The same data is the same URI, so an unchanged night is the same request. Skips what is there already; free.

    :param merged: manifest of the arm's merge. (templated)
    :return: ``{"train_uri", "validation_uri", "sha256", "records", "tokens", "uploaded": bool}``
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "merged")
    operator_extra_links = (TRAINING_DATA_LINK,)
    ui_color = "#e6f4ea"

    def __init__(self, *, merged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.merged = merged

    def execute(self, context: Context) -> Manifest:
        """Copy what is not there yet and return where it lies."""
        sha256 = self.merged["sha256"]
        targets = {
            "validation_uri": self.folder.dataset(sha256, "validation.jsonl"),
            "card_uri": self.folder.dataset(sha256, "data_card.json"),
            "train_uri": self.folder.dataset(sha256, "train.jsonl"),
        }
        # The training file comes last: where it lies, the set is whole.
        uploaded = not self.store.exists(targets["train_uri"])
        if uploaded:
            for name, target in targets.items():
                if self.merged[name]:
                    self.store.copy(self.merged[name], target)
        return {
            "train_uri": targets["train_uri"],
            "validation_uri": targets["validation_uri"] if self.merged["validation_uri"] else None,
            "sha256": sha256,
            "records": self.merged["records"],
            "tokens": self.merged["tokens"],
            "uploaded": uploaded,
        }
