from __future__ import annotations

import pytest

from bedrock_distill.run.ownership import require_run_of
from include.distill.core.errors import InputError
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER


def test_a_run_of_the_use_case_is_accepted(store: MemoryStore) -> None:
    store.write(FOLDER.use_case, b"name: payroll\n")
    require_run_of("payroll", store, FOLDER)


@pytest.mark.parametrize("frozen", [b"name: payroll_2\n", b"name: Payroll\n", b"- payroll\n", b"{secret: [", b"", None])
def test_every_other_run_gets_the_same_message_without_a_word_of_the_run(
    store: MemoryStore, frozen: bytes | None
) -> None:
    if frozen is None:
        store.delete(FOLDER.use_case)
    else:
        store.write(FOLDER.use_case, frozen)
    expected = f"Run {FOLDER.run_key} of payroll has no report, or is a run of another use case. "
    with pytest.raises(InputError) as raised:
        require_run_of("payroll", store, FOLDER)
    assert str(raised.value).startswith(expected)
    assert "secret" not in str(raised.value)
    assert "payroll_2" not in str(raised.value)
