"""
Provisioned throughput of one arm: bought for the answers that are missing, released whatever happens.

``provision`` and ``release`` agree through tombstones in the run's folder. ``release`` writes one before it deletes;
``provision`` buys under the ordinal after the last tombstone and looks once more just before it buys, so that a
forgotten copy of the task cannot buy after release.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.buy_once import buy_once
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.lifecycle.throughput import delete_and_wait
from bedrock_distill.operators.base import ArmOperator, Manifest
from bedrock_distill.operators.missing_answers import count_missing_answers
from bedrock_distill.ui.links import MODEL_LINK, THROUGHPUT_LINK
from include.distill.core.errors import ThroughputReleasedError
from include.distill.core.naming import request_token, throughput_name
from include.distill.core.storage import read_json, write_json
from include.distill.cost.prices import load_prices
from include.distill.cost.records import ReleasedThroughput, ThroughputRelease
from include.distill.cost.throughput_hours import release_record, unit_hours
from include.distill.evaluation.champion import champion_snapshot

if TYPE_CHECKING:
    from airflow.sdk import Context


class ServingOperator(ArmOperator):
    """Base of the two ends of a throughput's life."""

    def _throughput_name(self, ordinal: int) -> str:
        return throughput_name(self.use_case.name, self.arm, self.folder.run_key, ordinal)

    def _release_records(self) -> list[str]:
        return self.store.list(self.folder.release_records(self.arm))


class BedrockProvisionThroughputOperator(ServingOperator):
    """
    Buy the throughput that answers for the arm, unless every answer is stored already.

    The model is the one that the arm trained; of the champion's arm it is the one that preflight found promoted. As
    long as there is none, the base student takes its place, on demand, and nothing is bought.

    Billed by the hour and model unit from now until ``release``. A retry adopts what an earlier try bought; after a
    release, clearing this task buys under the next ordinal. No commitment.

    :param trained: manifest of the arm's sensor; ``None`` for the champion. (templated)
    :return: ``{"throughput_name", "throughput_arn", "model_arn", "student", "missing_answers", "bought": bool,
        "usd_per_hour": float}``; name and ARN are ``None`` when no answer is missing, the model's too when the base
        takes the champion's place.
    :raises RefusedError: no model units granted (the default quota is 0), or access; nothing was bought.
    """

    template_fields: Sequence[str] = (*ArmOperator.template_fields, "trained")
    operator_extra_links = (THROUGHPUT_LINK, MODEL_LINK)
    ui_color = "#f3e8fd"

    def __init__(self, *, trained: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trained = trained

    def execute(self, context: Context) -> Manifest:
        """Buy or adopt, and return what will answer."""
        model_arn, student = self._model()
        units = self.use_case.serving.model_units
        missing = count_missing_answers(self, model_arn=model_arn, student=student) if model_arn else 0
        manifest: Manifest = {
            "model_arn": model_arn,
            "student": student,
            "missing_answers": missing,
            "bought": False,
            "usd_per_hour": units * load_prices().price(student, "throughput_per_hour"),
        }
        if not missing or not model_arn:
            why = "every answer is stored already" if model_arn else "there is no champion yet, the base is asked"
            self.log.info("Nothing is bought for %s: %s.", self.arm, why)
            return {**manifest, "throughput_name": None, "throughput_arn": None}
        ordinal = len(self._release_records()) + 1
        name = self._throughput_name(ordinal)
        tags = purchase_tags(self.use_case, self.folder, context["dag_run"], arm=self.arm)

        def create(name: str) -> None:
            self._refuse_after_release(ordinal)
            self.hook.create_throughput(
                name=name,
                token=request_token(name),
                model_arn=model_arn,
                units=units,
                tags=tags,
            )

        purchase = buy_once(name, find=self.hook.find_throughput, create=create)
        self.log.info("%s %s for %s missing answers", "Bought" if purchase.bought else "Adopted", name, missing)
        return {
            **manifest,
            "throughput_name": name,
            "throughput_arn": purchase.resource.arn,
            "bought": purchase.bought,
        }

    def _model(self) -> tuple[str | None, str]:
        """Return the custom model that answers, and the student that it was made from."""
        if self.use_case.arm(self.arm).kind != "champion":
            return self.trained["model_arn"], self.use_case.student
        champion = champion_snapshot(self.store, self.folder)
        return (champion.model_arn, champion.student) if champion else (None, self.use_case.student)

    def _refuse_after_release(self, ordinal: int) -> None:
        if len(self._release_records()) >= ordinal:
            message = (
                f"The throughput of {self.arm} was released while this task was about to buy it. Nothing was bought."
                f" Clear {self.task_id} with downstream to serve again."
            )
            raise ThroughputReleasedError(message)


class BedrockReleaseThroughputOperator(ServingOperator):
    """
    Release whatever throughput the run has for the arm, and wait until it is gone.

    Finds it by name, not by what ``provision`` returned, so it releases also when that task died after buying. Writes
    the tombstone first. Free; may be run any number of times.

    :param wait_seconds: how long to wait for Bedrock to say that it is gone.
    :return: ``{"released": [names], "unit_hours": float}``; the hours of the whole run, also those released earlier.
    :raises WaitTimeoutError: it is still there after ``wait_seconds``, and still billed.
    """

    ui_color = "#fce8e6"

    def __init__(self, *, wait_seconds: float = 900, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait_seconds = wait_seconds

    def execute(self, context: Context) -> Manifest:
        """Write the tombstone, delete, wait, and return what was released."""
        ordinal = len(self._release_records()) + 1
        throughputs = [t for k in range(1, ordinal + 1) if (t := self.hook.find_throughput(self._throughput_name(k)))]
        records: list[ReleasedThroughput] = [
            {"name": t.name, "created": t.created.isoformat(), "units": t.units} for t in throughputs
        ]
        record = release_record(records, now=datetime.datetime.now(datetime.UTC))
        write_json(self.store, self.folder.release_record(self.arm, ordinal), record)
        for throughput in throughputs:
            delete_and_wait(self.hook, throughput.name, wait_seconds=self.wait_seconds)
            self.log.info("Released %s", throughput.name)
        hours = unit_hours(read_json(self.store, uri, ThroughputRelease) for uri in self._release_records())
        return {"released": [t.name for t in throughputs], "unit_hours": hours}
