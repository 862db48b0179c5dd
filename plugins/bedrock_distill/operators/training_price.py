"""Read what the data and the job of a trained arm cost, for the report. What cannot be read is left out."""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.job_price import job_lines, tokens_of
from include.distill.cost.prices import BillLine, load_prices
from include.distill.cost.records import PairsEstimate
from include.distill.report.optional_parts import OptionalParts
from include.distill.training.records import DatasetManifest, TrainingManifest


@dataclass(frozen=True)
class TrainingPrices:
    """
    The prices of the trained arms of the run in ``folder``.

    ``optional`` collects a note about each part that cannot be read.
    """

    store: ObjectStore
    folder: RunFolder
    use_case: UseCase
    optional: OptionalParts

    def job_lines(self, arm: str, dataset: DatasetManifest, trained: TrainingManifest) -> list[BillLine]:
        """Return the bill lines of an arm's job, as if this run had bought it."""
        from include.distill.cost.teacher_use import finished_job_tokens

        tokens = self.optional.read(
            f"the reports of the distillation job of {arm}, so its tokens are those that were estimated before it ran",
            lambda: finished_job_tokens(self.store, trained, dataset, note=self.optional.notes.append),
            fallback=tokens_of(dataset),
        )
        nothing: list[BillLine] = []
        return self.optional.read(
            f"the price of the training of {arm}, so the bill is too low",
            lambda: job_lines(self.use_case, arm, tokens, load_prices()),
            fallback=nothing,
        )

    def pairs_usd(self, arm: str) -> float | None:
        """Return the price of the pairs that an arm is trained on, as the run's estimate states it."""

        def read() -> float | None:
            stored = read_json(self.store, self.folder.estimate, PairsEstimate).get("pairs_usd", {})
            return float(stored[arm]) if arm in stored else None

        return self.optional.read(f"the price of the pairs of {arm}", read, fallback=None)
