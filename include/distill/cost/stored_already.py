"""
Find out which part of a run's estimate is for results that are stored already, before the run buys anything.

Stored results are not paid for again. The stored answers of the teacher and of the base students are looked up, so the
shares of these answers are exact. The answers to an optimized prompt can be looked up only if an earlier run has bought
the job that this run needs. If all of these answers are stored, and earlier runs with the same rows and settings have
completed training and judging, all other results are expected to be stored too. The training files and all later
requests are then expected to be the same as in the earlier runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore
from include.distill.cost.bought_again import EarlierRun
from include.distill.cost.prices import BillLine
from include.distill.cost.stored_prompts import StoredPrompts
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import Row, RowName
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.teacher import Teacher

Rows = Callable[[str], Iterable[Row]]


def stored_usd(
    use_case: UseCase,
    prompts: Mapping[str, Prompt],
    answers: AnswerStore,
    *,
    lines: Sequence[BillLine],
    rows: Rows,
    repeats_earlier_run: bool,
    optimized: Mapping[str, str | None] | None = None,
) -> float:
    """
    Return how much of an estimate is for results that are expected to be stored already, in US dollars.

    :param lines: the lines of the estimate.
    :param rows: returns the rows of one side, ``train`` or ``evaluation``.
    :param repeats_earlier_run: see :func:`repeats_earlier_run`.
    :param optimized: the prompts that jobs of earlier runs optimized for this run's arms; see
        :func:`reused_prompts`. An arm that is not in it is expected to pay for its job and its answers, and an arm
        whose prompt is ``None`` only for its answers.
    """
    shares = {}
    if use_case.wants_pairs:
        shares["synthesis:"] = _stored_share(answers, _teacher_requests(use_case, prompts, rows))
    for arm in use_case.arms:
        if arm.kind == "base":
            samples = range(2 if arm.name == use_case.noise_control_arm else 1)
            prompt = (optimized or {}).get(arm.name)
            if arm.has_optimized_prompt:
                shares[f"prompt optimization {arm.name} (estimated)"] = float(arm.name in (optimized or {}))
            if arm.has_optimized_prompt and prompt is None:
                shares[f"answers {arm.name}:"] = 0.0
                continue
            student = Student.from_use_case(use_case, prompts, optimized=prompt)
            requests = (student.request(row, sample=sample) for row in rows("evaluation") for sample in samples)
            shares[f"answers {arm.name}:"] = _stored_share(answers, requests)
    if repeats_earlier_run and set(shares.values()) <= {1.0}:
        return round(sum(line.usd for line in lines), 4)
    stored = (share * line.usd for prefix, share in shares.items() for line in lines if line.what.startswith(prefix))
    return round(sum(stored), 4)


def reused_prompts(
    use_case: UseCase,
    prompts: Mapping[str, Prompt],
    store: ObjectStore,
    earlier: EarlierRun | None,
    rows: Rows,
    folder: RunFolder,
) -> dict[str, str | None]:
    """
    Return the optimized prompt of each arm whose job an earlier run bought; ``None`` if the prompt cannot be read.

    :param folder: the folder of this run.
    """
    stored = StoredPrompts(use_case, prompts, store, rows)
    jobs = {
        arm: stored.job(earlier.for_step(f"answers/{arm}").folder if earlier else folder, arm)
        for arm in use_case.optimized_arms
    }
    return {arm: job.prompt for arm, job in jobs.items() if job}


def repeats_earlier_run(use_case: UseCase, earlier: EarlierRun, store: ObjectStore, rows: Rows) -> bool:
    """Return whether earlier runs have trained, judged and scored all arms with exactly the same rows."""
    row_ids = frozenset(row["row_id"] for side in ("train", "evaluation") for row in rows(side))
    steps = [f"merged/{arm.name}" for arm in use_case.arms if arm.is_trained]
    has_scores = all(
        store.exists(earlier.for_step(f"evaluations/{arm}").folder.evaluation_scores(arm, evaluator))
        for arm in use_case.scored_arms
        for evaluator in use_case.evaluators
    )
    return has_scores and all(
        _completed(earlier.for_step(step), step, store, row_ids) for step in (*steps, "judgments")
    )


def _completed(earlier: EarlierRun, step: str, store: ObjectStore, row_ids: Collection[str]) -> bool:
    has_same_rows = earlier.row_ids is None or earlier.row_ids == row_ids  # None: this run before it was cleared
    return has_same_rows and bool(store.list(f"{earlier.folder.uri}/{step}/"))


def _teacher_requests(use_case: UseCase, prompts: Mapping[str, Prompt], rows: Rows) -> Iterator[ModelRequest]:
    model = use_case.catalog_model(use_case.teacher)
    teacher = Teacher(model, prompts[use_case.prompts.synthesis], use_case.synthesis)
    names: list[RowName] = [{"row_id": row["row_id"], "group": row["group"]} for row in rows("train")]
    sent = {row["row_id"] for row in rows_for_teacher(use_case, names)}
    return (teacher.request(row) for row in rows("train") if row["row_id"] in sent)


def _stored_share(answers: AnswerStore, requests: Iterable[ModelRequest]) -> float:
    """Return the share of requests whose answer is stored; 0 if there are no requests."""
    stored: Collection[bytes] | None = None
    count = found = 0
    for request in requests:
        stored = answers.stored_keys(request.identity) if stored is None else stored
        count += 1
        found += bytes.fromhex(request.key)[:8] in stored
    return found / count if count else 0.0
