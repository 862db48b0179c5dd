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


GOOD = "step_number,epoch_number,training_loss\n1,0,2.5\n2,1,0.1\n"
READ = [{"step": 1, "epoch": 0, "loss": 2.5}, {"step": 2, "epoch": 1, "loss": 0.1}]


class TestFaultyFiles:
    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(GOOD.replace("step_number,", " step_number , "), id="spaces in the header"),
            pytest.param(GOOD.replace("\n", ",\n"), id="trailing commas"),
            pytest.param(GOOD.replace("\n", "\n\n"), id="blank lines"),
            pytest.param("\n\n" + GOOD, id="blank lines above the header"),
            pytest.param(GOOD.replace("2.5\n", "2.5,extra,cells\n"), id="more cells than columns"),
            pytest.param(GOOD.replace(",", ";"), id="semicolons"),
            pytest.param(GOOD.replace(",", "\t"), id="tabs"),
            pytest.param(GOOD.replace(",", "|"), id="vertical bars"),
            pytest.param(GOOD.upper().replace("E-1", "e-1"), id="capitals in the header"),
            pytest.param('"step_number","epoch_number","training_loss"\n"1","0","2.5"\n"2","1","0.1"\n', id="quotes"),
            pytest.param(GOOD.replace("\n1,0", "\n1.0,0.0"), id="whole numbers with a decimal point"),
            pytest.param(GOOD.replace("\n", "\r\n"), id="Windows line ends"),
            pytest.param(GOOD.replace("\n", "\r"), id="old Mac line ends"),
            pytest.param("training_loss,step_number,epoch_number,lr\n2.5,1,0,x\n0.1,2,1,y\n", id="another order"),
            pytest.param(GOOD.replace("2.5", " 2.5 "), id="spaces in a cell"),
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_a_file_in_another_form_is_read_like_the_usual_form(self, text: str, encoding: str) -> None:
        notes: list[str] = []
        assert (loss_curve(text.encode(encoding), note=notes.append), notes) == (READ, [])

    @pytest.mark.parametrize(
        "cell", ["", " ", "nan", "NaN", "inf", "-Infinity", "n/a", "1,5", "null", "2.5.1", "9" * 400, "1e308", "-1e308"]
    )
    def test_a_step_without_a_finite_loss_is_a_gap_and_is_noted(self, cell: str) -> None:
        notes: list[str] = []
        curve = loss_curve(GOOD.replace("2.5", f'"{cell}"').encode(), note=notes.append)
        assert curve == [{"step": 1, "epoch": 0, "loss": None}, READ[1]]
        assert notes == ["1 of 2 steps have no training_loss that is a finite number"]

    @pytest.mark.parametrize("cell", ["", "x", "-1", "1.5", "nan", "inf", "9" * 400, "1e308"])
    def test_a_row_without_a_step_is_left_out_and_noted(self, cell: str) -> None:
        notes: list[str] = []
        assert loss_curve(GOOD.replace("\n1,", f"\n{cell},").encode(), note=notes.append) == [READ[1]]
        assert notes == ["1 of 2 rows were left out, because their step_number is not a whole number"]

    @pytest.mark.parametrize(("cell", "epoch"), [("0.25", 0.25), ("", None), ("first", None), ("nan", None)])
    def test_an_epoch_may_be_a_fraction_or_missing(self, cell: str, epoch: float | None) -> None:
        assert loss_curve(GOOD.replace("1,0,", f"1,{cell},").encode())[0] == {"step": 1, "epoch": epoch, "loss": 2.5}
        assert loss_curve(b"step_number,training_loss\n1,2.5\n") == [{"step": 1, "epoch": None, "loss": 2.5}]

    def test_a_row_that_is_cut_off_is_a_gap(self) -> None:
        assert loss_curve(GOOD.encode() + b"3,1") == [*READ, {"step": 3, "epoch": 1, "loss": None}]

    @pytest.mark.parametrize(
        ("metrics", "words"),
        [
            (b"", "no column step_number and no column training_loss; it has no header"),
            (b"step,epoch,loss\n1,0,2.5\n", "its columns are 'step', 'epoch', 'loss'"),
            (b"step_number,epoch_number,validation_loss\n1,0,2.5\n", "no column training_loss"),
            (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "no column"),
            (b'{"step_number": 1}', "no column"),
            (bytes(range(256)) * 10, "no column"),
            (b"\xff\xfe\x00", "no column"),
            (b"step_number,training_loss\n" + b"1" * 200_000 + b",2\n", "not a CSV file"),
        ],
    )
    def test_a_file_without_losses_has_no_curve_and_a_note_says_why(self, metrics: bytes, words: str) -> None:
        notes: list[str] = []
        assert loss_curve(metrics, note=notes.append) == []
        assert words in notes[0]

    def test_only_the_first_hundred_thousand_steps_are_used(self) -> None:
        rows = "".join(f"{step},0,1.0\n" for step in range(100_001))
        notes: list[str] = []
        assert len(loss_curve(f"step_number,epoch_number,training_loss\n{rows}".encode(), note=notes.append)) == 100_000
        assert notes == ["only the first 100,000 of 100,001 steps are used"]

    @given(st.binary(max_size=300))
    def test_no_file_raises_an_error(self, metrics: bytes) -> None:
        assert isinstance(loss_curve(b"step_number,epoch_number,training_loss\n" + metrics), list)
        assert isinstance(loss_curve(metrics), list)

    def test_the_losses_of_the_validation_file_are_read_from_their_own_column(self) -> None:
        metrics = b"step_number,epoch_number,validation_loss\n7,0,0.9\n"
        assert loss_curve(metrics, column="validation_loss") == [{"step": 7, "epoch": 0, "loss": 0.9}]


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


def test_a_file_without_steps_has_a_note() -> None:
    for metrics in (b"step_number,epoch_number,training_loss\n", b"step_number,training_loss\r\n,\r\n\r\n"):
        notes: list[str] = []
        assert loss_curve(metrics, note=notes.append) == []
        assert notes == ["the file has a header but no steps"]


def test_a_huge_loss_has_a_short_text() -> None:
    means = loss_means(loss_curve(b"step_number,training_loss\n0,1e300\n1,1.25\n"))
    assert means is not None
    assert means.figures == "1.0e+300 to 1.25"
