from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.training.reachable_sizes import (
    fewest_documents,
    require_reachable_sizes,
    size_problems,
    size_warnings,
)
from tests.distill.conftest import make_use_case

NOVA = load_catalog().family_of(load_catalog().model("nova-micro"))  # at least 8 training records
LLAMA = load_catalog().family_of(load_catalog().model("llama-3-1-8b"))  # at least 100, with validation records


def use_case(*arms: dict[str, Any], pairs: int = 3) -> UseCase:
    return make_use_case(arms=[{"name": "base", "kind": "base"}, *arms], synthesis={"pairs_per_document": pairs})


TUNED = {"name": "tuned"}
ORIGINALS = {"name": "few", "originals": "all", "synthetic": 0}
PAIRS = {"name": "pairs", "originals": 0, "synthetic": "all"}
FIXED = {"name": "fixed", "originals": 2, "synthetic": 5}


@pytest.mark.parametrize(
    ("arm", "rows", "pairs", "expected"),
    [
        pytest.param(TUNED, 1, 3, "at most 1 × (1 + 3) = 4 training records", id="one document"),
        pytest.param(TUNED, 2, 2, "at most 2 × (1 + 2) = 6 training records", id="few pairs"),
        pytest.param(TUNED, 2, 3, None, id="exactly enough"),
        pytest.param(TUNED, 1, 7, None, id="one document with many pairs"),
        pytest.param(ORIGINALS, 7, 20, "at most 7 training records", id="pairs do not count"),
        pytest.param(ORIGINALS, 8, 1, None, id="enough originals"),
        pytest.param(PAIRS, 2, 3, "at most 0 + 6 = 6 training records", id="only pairs"),
        pytest.param(PAIRS, 2, 4, None, id="enough pairs"),
        pytest.param(FIXED, 1000, 20, "at most 2 + 5 = 7 training records", id="the arm asks for too little"),
        pytest.param({**FIXED, "synthetic": 6}, 1000, 3, None, id="the arm asks for just enough"),
        pytest.param(TUNED, 0, 3, "at most 0 × (1 + 3) = 0 training records", id="no row is left"),
    ],
)
def test_the_largest_number_of_records_is_compared_with_the_minimum_of_the_family(
    arm: dict[str, Any], rows: int, pairs: int, expected: str | None
) -> None:
    problems = list(size_problems(use_case(arm, pairs=pairs), NOVA, training=rows))
    assert [expected in problem and "nova-micro requires at least 8" in problem for problem in problems] == (
        [True] if expected else []
    )


def test_every_arm_that_is_too_small_is_named() -> None:
    problems = list(size_problems(use_case(TUNED, ORIGINALS, PAIRS), NOVA, training=2))
    assert [problem.split(" can ")[0] for problem in problems] == ["arm few", "arm pairs"]


@pytest.mark.parametrize(
    ("arm", "rows", "advice"),
    [
        (TUNED, 1, "Use at least 2 documents for training, or request more pairs per document."),
        (ORIGINALS, 1, "Use at least 8 documents for training."),
        (FIXED, 9, "Request more originals or synthetic pairs for arm fixed in the use-case file."),
    ],
)
def test_the_message_says_what_is_enough(arm: dict[str, Any], rows: int, advice: str) -> None:
    (problem,) = size_problems(use_case(arm), NOVA, training=rows)
    assert problem.endswith(advice)


def test_validation_records_count_only_if_the_family_counts_them() -> None:
    assert not list(size_problems(use_case(TUNED), LLAMA, training=20, held_out=20))
    (problem,) = size_problems(use_case(TUNED), LLAMA, training=20, held_out=19)
    assert "20 × (1 + 3) = 80 training records and 19 validation records" in problem
    assert list(size_problems(use_case(TUNED), NOVA, training=1, held_out=100))


def test_the_error_says_that_the_teacher_was_not_asked() -> None:
    require_reachable_sizes(use_case(TUNED), NOVA, training=2, held_out=0)
    with pytest.raises(InputError, match=r"1 rows.*= 4 training records.*Nothing was bought, and the teacher was not"):
        require_reachable_sizes(use_case(TUNED), NOVA, training=1, held_out=0)


@pytest.mark.parametrize(
    ("arms", "family", "smallest", "reason"),
    [
        ([TUNED], NOVA, 1, ""),
        ([TUNED], LLAMA, 5, "arm tuned needs at least 100 training records"),
        ([TUNED, ORIGINALS], NOVA, 8, "arm few needs at least 8 training records"),
        ([PAIRS], LLAMA, 5, "arm pairs needs at least 100 training records"),
        ([{"name": "many", "originals": 500, "synthetic": 0}], NOVA, 500, "arm many is trained on the first 500 rows"),
        ([{**FIXED, "originals": 3, "synthetic": 0}], NOVA, 3, "arm fixed is trained on the first 3 rows"),
    ],
)
def test_the_fewest_documents_that_can_be_enough(
    arms: list[dict[str, Any]], family: Any, smallest: int, reason: str
) -> None:
    number, stated = fewest_documents(use_case(*arms), family)
    assert (number, stated.split(". ")[0]) == (smallest, reason)
    assert ("If you have fewer rows, reduce arms.originals" in stated) is ("rows" in reason)


MANAGED = {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}


class TestDistilled:
    @pytest.mark.parametrize(
        ("arm", "rows", "expected"),
        [
            pytest.param(MANAGED, 99, "at most 99 prompts", id="too few rows"),
            pytest.param(MANAGED, 100, None, id="exactly enough rows"),
            pytest.param({**MANAGED, "synthetic": "all"}, 25, None, id="rows and pairs"),
            pytest.param(
                {**MANAGED, "originals": 0, "synthetic": "all"}, 33, "at most 0 + 99 = 99 prompts", id="pairs"
            ),
        ],
    )
    def test_the_number_of_prompts_is_compared_with_the_minimum_of_distillation_jobs(
        self, arm: dict[str, Any], rows: int, expected: str | None
    ) -> None:
        problems = list(size_problems(use_case(arm), NOVA, training=rows))
        assert [expected in problem for problem in problems if expected] == [True] * bool(expected)
        assert all("but a distillation job requires at least 100" in problem for problem in problems)
        assert bool(problems) == bool(expected)

    def test_validation_rows_do_not_count_as_prompts(self) -> None:
        assert list(size_problems(use_case(MANAGED), LLAMA, training=99, held_out=50))

    def test_more_rows_than_a_job_accepts_as_prompts_are_refused_before_anything_is_bought(self) -> None:
        require_reachable_sizes(use_case(MANAGED), NOVA, training=15_000, held_out=0)
        with pytest.raises(InputError, match=r"takes 15,001 rows, .*at most 15,000 prompts.*Nothing was bought"):
            require_reachable_sizes(use_case(MANAGED), NOVA, training=15_001, held_out=0)
        require_reachable_sizes(use_case({**MANAGED, "originals": 15_000}), NOVA, training=20_000, held_out=0)

    @pytest.mark.parametrize(
        ("sizes", "rows", "pairs", "problem"),
        [
            ({"synthetic": "all"}, 3_751, 3, "3,751 rows and 11,253 pairs, which are 15,004 .*Set synthetic .* 11249."),
            ({"synthetic": "all"}, 3_750, 3, None),
            ({"synthetic": "all", "originals": 0}, 15_001, 1, "0 rows and 15,001 pairs.*synthetic of the arm to at"),
            ({"synthetic": 1}, 15_000, 3, "15,000 rows and 1 pairs.*Set synthetic of the arm to at most 0."),
            ({"synthetic": 5_000}, 10_000, 3, None),
            ({"synthetic": "all", "originals": 1_000}, 20_000, 14, None),
        ],
    )
    def test_rows_and_requested_pairs_together_are_compared_with_the_maximum(
        self, sizes: dict[str, Any], rows: int, pairs: int, problem: str | None
    ) -> None:
        checked = use_case({**MANAGED, **sizes}, pairs=pairs)
        if problem is None:
            require_reachable_sizes(checked, NOVA, training=rows, held_out=0)
            return
        with pytest.raises(InputError, match=rf"arm managed can get {problem}.*the teacher was not asked"):
            require_reachable_sizes(checked, NOVA, training=rows, held_out=0)

    def test_the_smallest_number_of_documents_is_enough_for_the_prompts(self) -> None:
        assert fewest_documents(use_case(MANAGED, TUNED), NOVA) == (100, "arm managed needs at least 100 prompts")


class TestTooManyRecords:
    def test_originals_that_are_too_many_for_the_student_are_refused_before_anything_is_bought(self) -> None:
        require_reachable_sizes(use_case(TUNED), NOVA, training=20_000, held_out=0)
        with pytest.raises(InputError, match=r"arm few takes 20,001 rows, but nova-micro accepts at most 20,000 tr"):
            require_reachable_sizes(use_case(ORIGINALS), NOVA, training=20_001, held_out=0)

    def test_pairs_only_cause_a_warning_because_some_may_be_rejected(self) -> None:
        checked = use_case(TUNED, MANAGED, pairs=3)
        require_reachable_sizes(checked, NOVA, training=5_001, held_out=0)
        assert not list(size_warnings(checked, NOVA, training=5_000, held_out=0))
        (warning,) = size_warnings(checked, NOVA, training=5_001, held_out=0)
        assert warning == (
            "If few pairs are rejected, the task merge fails after the teacher was paid: arm tuned can get 5,001 rows"
            " and 15,003 pairs, which are 20,004 together, but nova-micro accepts at most 20,000 training records. Set"
            " synthetic of the arm to at most 14999."
        )

    def test_validation_records_count_towards_the_total(self) -> None:
        require_reachable_sizes(use_case(ORIGINALS), NOVA, training=19_000, held_out=1_000)
        with pytest.raises(InputError, match=r"at most 19,000 training records with 1,000 validation records"):
            require_reachable_sizes(use_case(ORIGINALS), NOVA, training=19_001, held_out=1_000)

    @pytest.mark.parametrize("held_out", [31, 1_001])
    def test_too_few_or_too_many_validation_records_are_refused_once(self, held_out: int) -> None:
        claude = load_catalog().families["claude3"]
        with pytest.raises(InputError, match=rf"rows held out are {held_out} val.*; 32 to 1000 are allowed") as refused:
            require_reachable_sizes(use_case(ORIGINALS, TUNED), claude, training=900, held_out=held_out)
        assert str(refused.value).count("validation_share") == 1

    def test_a_distillation_job_gets_no_validation_records(self) -> None:
        require_reachable_sizes(use_case(MANAGED), load_catalog().families["claude3"], training=900, held_out=31)

    def test_documents_are_counted_later_because_long_ones_are_divided(self) -> None:
        documents = load_catalog().document_families["titan-text-express-documents"]
        require_reachable_sizes(use_case(ORIGINALS), documents, training=200_000, held_out=0)
