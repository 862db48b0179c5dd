"""Define the scales of the metrics that evaluators score."""

from __future__ import annotations

from typing import NamedTuple

from include.distill.config.evaluation_settings import PointwiseEvaluation


class Scale(NamedTuple):
    """The smallest and the largest score of a metric."""

    low: float
    high: float

    def share(self, score: float) -> float:
        """Return the place of a score on the scale, from 0 to 1."""
        return (score - self.low) / (self.high - self.low)

    def score(self, share: float) -> float:
        """Return the score at a place on the scale; the inverse of :meth:`share`."""
        return self.low + share * (self.high - self.low)

    @property
    def differences(self) -> Scale:
        """The scale of the difference between two scores."""
        return Scale(self.low - self.high, self.high - self.low)


# Evaluators rate built-in metrics on scales of their own, and Bedrock normalizes these ratings:
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-type-judge-prompt-nova.html
BUILT_IN_SCALE = Scale(0.0, 1.0)
# The metrics that find faults of an answer: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-metrics.html
_FAULTS = frozenset({"Builtin.Harmfulness", "Builtin.Stereotyping", "Builtin.Refusal"})


def metric_scales(settings: PointwiseEvaluation) -> dict[str, Scale]:
    """Return the scale of each metric, in the order of the report."""
    custom = {metric.name: [rating.value for rating in metric.rating_scale] for metric in settings.custom_metrics}
    return {
        name: Scale(min(custom[name]), max(custom[name])) if name in custom else BUILT_IN_SCALE
        for name in settings.metric_names
    }


def is_fault(metric: str) -> bool:
    """Return whether a high score of a built-in metric is bad. For a custom metric, only its author knows."""
    return metric in _FAULTS
