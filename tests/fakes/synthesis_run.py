"""
Run the synthesis of one run in a process that a test can kill. The code is the pipeline's, with files instead of S3.

The model writes a line into the file ``bill`` for each call before it answers, as AWS would bill it. Arguments: folder,
number of rows, run key, calls at a time, and how many calls are answered before the model hangs.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import time
from pathlib import Path

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Curation, FanOut
from include.distill.curation.filters import PairFilters
from include.distill.dataset.records import Row
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.fan_out import for_each
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.synthesis.teacher import SyntheticSamples, Teacher, create_synthetic_samples
from include.distill.text.question_index import QuestionIndex
from tests.distill.conftest import make_row
from tests.fakes.dialogue import between, pairs
from tests.fakes.variables import VARIABLES
from tools.benchmarks.folder_store import FolderStore

LATENCY_SECONDS, HANGS_SECONDS = 0.05, 600.0
MODEL, PROMPT = load_catalog().model("claude-sonnet-5-5"), load_prompt("synthesis.j2")


class BillingModel:
    """A model that bills each call and then answers. After ``answers`` answers, it bills the next call and hangs."""

    def __init__(self, bill: Path, answers: float) -> None:
        self._bill = os.open(bill, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._answers, self._calls = answers, itertools.count()

    def ask(self, request: ModelRequest) -> Completion:
        """Write one line of the bill, wait, and answer."""
        os.write(self._bill, f"{between('question', request.user)}\n".encode())
        time.sleep(LATENCY_SECONDS if next(self._calls) < self._answers else HANGS_SECONDS)
        return Completion(pairs(request), "end_turn", 100, 10)


def main(folder: Path, rows: int, run_key: str, concurrency: int, answers: float = math.inf) -> int:
    """Request pairs for ``rows`` rows, and return the number of accepted pairs."""
    use_case = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
    use_case = use_case.model_copy(update={"fan_out": FanOut(concurrency=concurrency)})
    store = AnswerStore(FolderStore(folder / "objects"), "s3://training/distill/responses", run_key)
    ask = RateLimitedModel(store, BillingModel(folder / "bill", answers), use_case, PoolShare("", 1, is_first=True))
    teacher = Teacher(MODEL, PROMPT, use_case.synthesis)
    filters = PairFilters(Curation(min_grounding=0), QuestionIndex(threshold=1), lambda _: None)

    def work(row: Row) -> SyntheticSamples:
        return create_synthetic_samples(row, teacher=teacher, filters=filters, ask=ask)

    asked_about = [make_row(question=f"What is number {number}?") for number in range(rows)]
    outcomes = for_each(asked_about, work, threads=use_case.fan_out.threads)
    return sum(len(outcome.accepted) for outcome in outcomes if isinstance(outcome, SyntheticSamples))


if __name__ == "__main__":
    rows, run_key, concurrency = int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), rows, run_key, concurrency, float(sys.argv[5]))))
