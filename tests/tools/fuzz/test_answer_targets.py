"""The targets notice a reader of answers that loses or invents something."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.distill.inference.output_parsing import ParsedOutput
from tools.fuzz import answer_targets
from tools.fuzz.contract import BrokenContractError

PAIRS = answer_targets.TARGETS[0].seeds[0]


def test_an_output_that_becomes_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_targets, "parse_llm_output", lambda text: ParsedOutput())
    with pytest.raises(BrokenContractError, match="neither a pair nor a rejection"):
        answer_targets.read_pairs(PAIRS)


def test_a_lost_pair_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = answer_targets.create_synthetic_samples

    def lossy(*arguments: Any, **options: Any) -> Any:
        samples = real(*arguments, **options)
        if samples.rejected:
            samples.rejected.pop()
        else:
            samples.accepted.pop()
        return samples

    monkeypatch.setattr(answer_targets, "create_synthetic_samples", lossy)
    with pytest.raises(BrokenContractError, match="are counted"):
        answer_targets.write_pairs(PAIRS)


def test_an_unknown_verdict_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_targets, "parse_verdict", lambda text: "C")
    with pytest.raises(BrokenContractError, match="unknown verdict"):
        answer_targets.read_verdicts(b"C")


def test_an_answer_that_cannot_be_stored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = answer_targets.read_reply
    monkeypatch.setattr(answer_targets, "read_reply", lambda *given: dataclasses.replace(real(*given), text="\ud800"))
    with pytest.raises(UnicodeEncodeError):
        answer_targets.read_replies(answer_targets.TARGETS[3].seeds[0])
