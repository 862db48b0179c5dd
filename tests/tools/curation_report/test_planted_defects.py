from __future__ import annotations

import pytest

from include.distill.core.errors import InputError
from include.distill.curation.filters import FILTER_NAMES
from tests.distill.conftest import make_row, make_use_case
from tools.curation_report.planted_defects import DEFECTS, Planter, plant, yaml_texts


def test_every_filter_has_a_defect_that_it_should_find() -> None:
    found = {name for defect in DEFECTS.values() for name in defect.found_by}
    missing = [name for name in FILTER_NAMES if name not in found]
    assert missing == [], f"add a defect for each of {missing} to DEFECTS in tools/curation_report/planted_defects.py"
    unknown = sorted(found - set(FILTER_NAMES))
    assert unknown == [], f"DEFECTS names filters that do not exist: {unknown}"


def test_rows_with_too_few_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="1 rows have too few sentences"):
        plant([make_row()], [make_row(2)], make_use_case(), seed=1)


def test_a_question_pattern_has_room_for_words() -> None:
    assert [form for form in yaml_texts("forms") if form.count("{}") != 1] == []


def test_rows_whose_answers_are_all_short_are_refused() -> None:
    planter = Planter([make_row(), make_row(2)], [], make_use_case(), seed=1)
    with pytest.raises(InputError, match="The answers of the 2 rows are too short"):
        planter.answer_of_another_document(make_row())
