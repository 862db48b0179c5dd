"""Judge the uploaded training sets: each of them is complete, because no later run uploads its files again."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks.outcome import Outcome

TRAINING, CARD = "/train.jsonl", "/data_card.json"


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield the training sets without a data card.

    If a set lacks its validation file, each later run is refused. So the rules for runs notice it.
    """
    if outcome.ended[-1] != "success":
        return
    for uri in outcome.objects:
        folder = uri.removesuffix(TRAINING)
        if "/datasets/" in uri and folder != uri and f"{folder}{CARD}" not in outcome.objects:
            yield f"{uri} was uploaded without its data card."
