"""
Find arms that cannot get the number of training records that the student's family accepts.

For an arm that Bedrock distils, the records are the prompts of the job, which have limits of their own.

The check uses the largest number of records that an arm can get: all its originals, and every pair that the teacher is
asked for. So it can refuse a run before the teacher is asked. A run that passes may still fall short, because rows and
pairs may be rejected. For the same reason, an arm that is fine-tuned is refused only if its originals alone are too
many. If its requested pairs may make the records too many, ``estimate`` warns. A distilled arm is refused if its
originals and all requested pairs together are too many. It is no loss to limit its pairs, because the arm takes the
first ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from include.distill.config.arms import Arm
from include.distill.config.catalog import Family
from include.distill.config.section import MAX_RECORDS
from include.distill.config.sections import MAX_PAIRS_PER_DOCUMENT
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.training.limits import family_for_arm, record_noun, validation_problems

# Settings of the trigger form that decide how many records an arm is trained on.
SIZES = ("documents", "pairs_per_document")


def largest_size(arm: Arm, training: int, pairs_per_document: int) -> tuple[int, int]:
    """
    Return how many originals and how many synthetic pairs an arm can get at most.

    :param training: number of rows to train on, without those that are held out for validation.
    """
    originals = training if arm.originals == "all" else min(arm.originals, training)
    if not arm.wants_pairs:
        return originals, 0
    # An arm without originals takes its pairs from all rows.
    requested = (originals or training) * pairs_per_document
    return originals, requested if arm.synthetic == "all" else min(arm.synthetic, requested)


def size_problems(use_case: UseCase, family: Family, *, training: int, held_out: int = 0) -> Iterator[str]:
    """
    Yield a message for each trained arm that cannot reach its minimum number of training records.

    :param training: number of rows to train on. If the number is not known yet, the largest possible number.
    :param held_out: number of rows held out for validation.
    """
    per_row = use_case.synthesis.pairs_per_document
    for arm, limits in _limits_by_arm(use_case, family):
        counted = _counted(held_out, limits)
        originals, pairs = largest_size(arm, training, per_row)
        if originals + pairs + counted >= limits.training_records[0]:
            continue
        validation = f" and {counted} validation records" if counted else ""
        yield (
            f"arm {arm.name} can get at most {_sum(arm, originals, pairs, per_row)} {record_noun(limits)}{validation},"
            f" but {_who(use_case, limits)} requires at least {limits.training_records[0]}."
            f" {_remedy(arm, limits, per_row, counted)}"
        )


@dataclass(frozen=True)
class _Excess:
    """
    More records than Bedrock accepts for an arm.

    :param is_certain: whether the originals alone are too many. Of the pairs, some may be rejected.
    """

    arm: Arm
    is_certain: bool
    text: str


def _excesses(use_case: UseCase, family: Family, training: int, held_out: int) -> Iterator[_Excess]:
    if family.format == "documents":  # the number of records is known only when the documents have been divided
        return
    for arm, limits in _limits_by_arm(use_case, family):
        originals, pairs = largest_size(arm, training, use_case.synthesis.pairs_per_document)
        validation = 0 if limits.is_for_prompts else held_out
        maximum = min(limits.training_records[1], limits.total_records - validation)
        accepts = f"but {_who(use_case, limits)} accepts at most {maximum:,} {record_noun(limits)}"
        if validation:
            accepts = f"{accepts} with {validation:,} validation records"
        if originals > maximum:
            takes = f"arm {arm.name} takes {originals:,} rows, {accepts}"
            yield _Excess(arm, True, f"{takes}. Set originals of the arm to at most {maximum}.")
        elif originals + pairs > maximum:
            can_get = f"arm {arm.name} can get {originals:,} rows and {pairs:,} pairs"
            together = f"which are {originals + pairs:,} together, {accepts}"
            yield _Excess(
                arm, False, f"{can_get}, {together}. Set synthetic of the arm to at most {maximum - originals}."
            )


def _excess_problems(use_case: UseCase, family: Family, training: int, held_out: int) -> Iterator[str]:
    """Yield a message for each arm that gets, or in a distillation job may get, more records than Bedrock accepts."""
    if family.format != "documents" and any(arm.kind == "fine_tuned" for arm in use_case.arms):
        yield from (f"the rows held out are {problem}" for problem in validation_problems(held_out, family))
    for excess in _excesses(use_case, family, training, held_out):
        if excess.is_certain or excess.arm.kind == "distilled":
            yield excess.text


def size_warnings(use_case: UseCase, family: Family, *, training: int, held_out: int) -> Iterator[str]:
    """Yield a warning for each fine-tuned arm that gets too many records unless enough of its pairs are rejected."""
    for excess in _excesses(use_case, family, training, held_out):
        if not excess.is_certain and excess.arm.kind != "distilled":
            yield f"If few pairs are rejected, the task merge fails after the teacher was paid: {excess.text}"


def _who(use_case: UseCase, limits: Family) -> str:
    return "a distillation job" if limits.is_for_prompts else use_case.student


def require_reachable_sizes(use_case: UseCase, family: Family, *, training: int, held_out: int) -> None:
    """
    Refuse a run in which a trained arm cannot reach its minimum number of training records, or has too many records.

    :raises InputError: the message gives the numbers of each such arm. Nothing was bought.
    """
    if problems := list(_excess_problems(use_case, family, training, held_out)):
        raise InputError(
            f"There are {training:,} rows to train on, which do not suit the arms: {'; '.join(problems)}",
            billed="Nothing was bought, and the teacher was not asked.",
            to_do=f"Change include/use_cases/{use_case.name}.yaml, or use fewer documents.",
            then_clear="preflight with downstream",
            settings=SIZES,
        )
    if problems := list(size_problems(use_case, family, training=training, held_out=held_out)):
        raise InputError(
            f"There are {training} rows to train on, which are too few: {'; '.join(problems)}",
            left="Rejected rows are in source/rejected.jsonl of the run's folder.",
            billed="Nothing was bought, and the teacher was not asked.",
            to_do="Set larger sizes in the use case, or provide a larger CSV file.",
            then_clear="preflight with downstream",
            settings=SIZES,
        )


def fewest_documents(use_case: UseCase, family: Family) -> tuple[int, str]:
    """
    Return the smallest number of documents that is enough for all trained arms, and the reason for this number.

    A number is enough if every arm can get its number of originals and its minimum number of training records.
    The teacher is assumed to write as many pairs per document as a trigger form may request. Arms that cannot reach the
    minimum with any number of documents do not count.
    """
    numbers = [(1, "")]
    for arm, limits in _limits_by_arm(use_case, family):
        if needed := _documents_for(arm, limits, MAX_PAIRS_PER_DOCUMENT, 0):
            minimum = f"arm {arm.name} needs at least {limits.training_records[0]:,} {record_noun(limits)}"
            numbers.append((needed, minimum))
        if arm.originals != "all":
            fixed = f"arm {arm.name} is trained on the first {arm.originals:,} rows. {use_case.with_fewer_rows}"
            numbers.append((arm.originals, fixed))
    return max(numbers, key=lambda entry: entry[0])


def _limits_by_arm(use_case: UseCase, family: Family) -> Iterator[tuple[Arm, Family]]:
    return ((arm, family_for_arm(arm, family)) for arm in use_case.arms if arm.is_trained)


def _counted(held_out: int, family: Family) -> int:
    return held_out if family.count_minimum_with_validation else 0


def _sum(arm: Arm, originals: int, pairs: int, per_row: int) -> str:
    if (arm.originals, arm.synthetic) == ("all", "all"):
        return f"{originals} × (1 + {per_row}) = {originals + pairs}"
    return f"{originals} + {pairs} = {originals + pairs}" if arm.wants_pairs else str(originals)


def _remedy(arm: Arm, family: Family, per_row: int, counted: int) -> str:
    documents = _documents_for(arm, family, per_row, counted)
    if documents is None:
        return f"Request more originals or synthetic pairs for arm {arm.name} in the use-case file."
    more_pairs = ", or request more pairs per document" if arm.wants_pairs and per_row < MAX_PAIRS_PER_DOCUMENT else ""
    return f"Use at least {documents} documents for training{more_pairs}."


def _documents_for(arm: Arm, family: Family, per_row: int, counted: int) -> int | None:
    """Return the smallest number of documents that is enough for an arm; ``None`` if no number is enough."""

    def is_enough(documents: int) -> bool:
        return sum(largest_size(arm, documents, per_row)) + counted >= family.training_records[0]

    limit = min(family.training_records[0], MAX_RECORDS)  # more documents than records are never needed
    return next((documents for documents in range(1, limit + 1) if is_enough(documents)), None)
