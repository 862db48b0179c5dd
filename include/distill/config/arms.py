"""Define the arms of a use case, which are the models that are compared, and the comparisons."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from include.distill.config.section import Count, Section


class Arm(Section):
    """
    One model that is compared: the base student, a student trained on a mix of rows and pairs, or the champion.

    ``originals: N`` takes the first N rows. ``synthetic: M`` takes the first M pairs that the teacher wrote from these
    rows, or from all rows if ``originals`` is 0. A use case is refused if an arm requests more than the settings can
    provide. An arm may still get fewer rows or pairs, because some may be rejected.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=16)]
    kind: Literal["base", "fine_tuned", "champion"] = "fine_tuned"
    originals: Count | Literal["all"] = "all"
    synthetic: Count | Literal["all"] = "all"

    @model_validator(mode="after")
    def _mix_fits_kind(self) -> Arm:
        if self.kind != "fine_tuned" and (self.originals, self.synthetic) != ("all", "all"):
            message = (
                f"arm {self.name} is of kind {self.kind}, which is not trained; expected neither the key"
                " originals nor the key synthetic"
            )
            raise ValueError(message)
        if self.kind == "fine_tuned" and not self.originals and not self.synthetic:
            message = f"arm {self.name} has neither originals nor synthetic pairs, so there is nothing to train on"
            raise ValueError(message)
        return self

    @property
    def wants_pairs(self) -> bool:
        """Whether the teacher has to write pairs for this arm."""
        return self.kind == "fine_tuned" and self.synthetic != 0


class Comparison(Section):
    """A pair of arms that the judges compare to decide whether ``candidate`` is better."""

    candidate: str
    baseline: str
