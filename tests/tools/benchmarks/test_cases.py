"""The measurements themselves, on so little that they take seconds; what they measure is not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.benchmarks.bench import Bench, Sizes
from tools.benchmarks.dag_cases import xcom
from tools.benchmarks.fixtures import DOCUMENT_CHARACTERS, rows
from tools.benchmarks.processes import MeasurementError, run, server
from tools.benchmarks.rows_cases import STEPS, measure_steps, step_figures
from tools.benchmarks.synthesis_cases import Run, killed

pytestmark = pytest.mark.e2e
SIZES = Sizes(documents=12, csv_rows=40, latency_seconds=0.3)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    with server("model_server") as model:
        yield Bench(model, folder, SIZES)


def test_documents_have_the_stated_length_and_nothing_in_common() -> None:
    made = list(rows(20))
    assert {len(row["document"]) for row in made} == {DOCUMENT_CHARACTERS}
    sentences = [sentence for row in made for sentence in row["document"].split(". ")]
    assert len(set(sentences)) == len(sentences) > 20 * 20


def test_tasks_ask_once_for_each_document_and_their_span_is_measured_at_the_server(bench: Bench) -> None:
    measured = Run(bench, concurrency=2, documents=12, tasks=2).go()
    assert (measured.counts["billed"], measured.counts["rejected"], measured.counts["paid_again"]) == (12, 0, 0)
    assert measured.ideal_seconds == pytest.approx(3 * 0.3)
    assert measured.span_seconds >= measured.ideal_seconds
    assert sum(task["manifest"]["accepted"] for task in measured.measured) == 36


def test_a_killed_task_pays_again_at_most_for_what_was_in_flight(bench: Bench) -> None:
    (figure,) = killed(bench)
    assert figure.ok
    assert figure.target > 0


def test_every_step_that_touches_all_rows_is_measured(bench: Bench) -> None:
    found = measure_steps(bench, 40)
    figures = [figure for step in STEPS for figure in step_figures(step, 40, found[step], found[step])]
    assert [figure.ours for figure in figures[1::2]] == [1.0] * len(STEPS)
    assert all(100 < figure.ours < 1000 for figure in figures[::2])


def test_the_longest_list_to_map_over_is_a_small_manifest(bench: Bench) -> None:
    assert xcom(bench)[0].ok


def test_a_measured_process_that_fails_says_why(bench: Bench) -> None:
    with pytest.raises(MeasurementError, match="There is no object s3://bench-training"):
        run("synthesis_process.py", bench.fresh_folder("empty"), endpoint=bench.model.url, state=bench.state)
