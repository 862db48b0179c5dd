from __future__ import annotations

import inspect

from tests.fakes.stack import stack_without_sources


def test_the_frames_are_those_of_the_stack_without_source_code() -> None:
    here, known = stack_without_sources(), inspect.getouterframes(inspect.currentframe(), context=0)
    assert [(one.frame, one.function) for one in here] == [(one.frame, one.function) for one in known]
    assert {one.code_context for one in here} == {None}
