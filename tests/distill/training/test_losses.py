"""Test that losses are read from Bedrock's metrics file and described by means instead of single steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.training.losses import loss_curve, loss_means, moving_mean


def curve(losses: list[float | None]) -> list[dict[str, Any]]:
    return [{"step": step, "epoch": 0, "loss": loss} for step, loss in enumerate(losses)]


class TestLossCurve:
    @pytest.mark.parametrize(
        "metrics",
        [
            pytest.param(b"step_number,epoch_number,training_loss\n1,0,2.5\n2,1,1e-1\n", id="without perplexity"),
            pytest.param(
                b"step_number,epoch_number,training_loss,perplexity\n1,0,2.5,12.18\n2,1,0.1,1.1\n", id="with perplexity"
            ),
            pytest.param(
                b"\xef\xbb\xbfepoch_number,step_number,training_loss\r\n0,1,2.5\r\n1,2,0.1\r\n", id="as Excel saves it"
            ),
        ],
    )
    def test_steps_epochs_and_losses_are_read(self, metrics: bytes) -> None:
        assert loss_curve(metrics) == [
            {"step": 1, "epoch": 0, "loss": 2.5},
            {"step": 2, "epoch": 1, "loss": 0.1},
        ]

    def test_a_job_without_steps_has_no_curve(self) -> None:
        assert loss_curve(b"step_number,epoch_number,training_loss\n") == []


class TestMeans:
    @given(st.lists(st.floats(0, 10), min_size=1, max_size=120))
    def test_the_moving_mean_covers_a_tenth_of_the_steps_and_its_ends_are_the_first_and_last_means(
        self, losses: list[float]
    ) -> None:
        window = max(1, len(losses) // 10)
        expected = np.convolve(losses, np.ones(window) / window, mode="valid")
        assert moving_mean(curve([*losses])) == pytest.approx(expected.tolist())
        means = loss_means(curve([*losses]))
        assert means is not None
        assert (means.steps, means.window) == (len(losses), window)
        assert (means.first, means.last) == pytest.approx((expected[0], expected[-1]))

    def test_noisy_first_and_last_steps_do_not_hide_a_falling_loss(self) -> None:
        """The loss is 0.56 in both the first and the last step, although the model learnt in between."""
        losses: list[float | None] = [0.56, *[0.9] * 9, *[0.5] * 80, *[0.3] * 9, 0.56]
        means = loss_means(curve(losses))
        assert means is not None
        assert means.figures == "0.87 to 0.33"
        assert means.sentence == "mean loss 0.87 over the first 10 of 100 steps, and 0.33 over the last 10"

    @pytest.mark.parametrize(
        ("losses", "sentence"),
        [
            pytest.param(
                [0.5] * 18 + [0.1],
                "19 steps, too few for means; loss 0.50 in the first step and 0.10 in the last step",
                id="19 steps",
            ),
            pytest.param(
                [0.5], "1 step, too few for means; loss 0.50 in the first step and 0.50 in the last step", id="1 step"
            ),
            pytest.param(
                [0.5] * 19 + [0.1],
                "mean loss 0.50 over the first 2 of 20 steps, and 0.30 over the last 2",
                id="20 steps",
            ),
        ],
    )
    def test_fewer_than_20_steps_are_too_few_for_means(self, losses: list[float | None], sentence: str) -> None:
        means = loss_means(curve(losses))
        assert means is not None
        assert means.sentence == sentence

    def test_a_mean_over_a_step_without_a_loss_is_empty(self) -> None:
        losses: list[float | None] = [0.5] * 39 + [None]
        means = loss_means(curve(losses))
        assert means is not None
        assert means.figures == "0.50 to –"
        assert moving_mean(curve(losses)) == [0.5] * 36 + [None]

    def test_there_are_no_means_without_steps(self) -> None:
        assert loss_means([]) is None
        assert moving_mean([]) == []
