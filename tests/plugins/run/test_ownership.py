from __future__ import annotations

import pytest

from bedrock_distill.run.ownership import require_run_of
from include.distill.config.layout import RunFolder, run_uri
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import InputError, NewerFormatError
from include.distill.core.naming import run_key
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
    expected = f"Run {FOLDER.run_key} of payroll has no report, was deleted, or is a run of another use case. "
    with pytest.raises(InputError) as raised:
        require_run_of("payroll", store, FOLDER)
    assert str(raised.value).startswith(expected)
    assert "secret" not in str(raised.value)
    assert "payroll_2" not in str(raised.value)


def test_a_run_below_a_root_of_another_environment_is_refused(store: MemoryStore) -> None:
    store.write(FOLDER.use_case, b"name: payroll\n")
    claim_root(store, FOLDER.root, "prod")
    with pytest.raises(InputError, match=r"belongs to environment prod .*environment test.*no label was stored"):
        require_run_of("payroll", store, FOLDER)


def test_a_run_below_a_root_of_this_environment_is_accepted(store: MemoryStore) -> None:
    store.write(FOLDER.use_case, b"name: payroll\n")
    claim_root(store, FOLDER.root, "test")
    require_run_of("payroll", store, FOLDER)


def test_only_the_format_of_a_run_of_the_use_case_is_named(store: MemoryStore) -> None:
    frozen = b"format: 99\nversion: secret\nname: payroll\n"
    ours = RunFolder(run_uri(FOLDER.root, "payroll", run_key("distill_payroll", "manual__1")))
    for folder in (ours, FOLDER):
        store.write(folder.use_case, frozen)
    with pytest.raises(NewerFormatError, match="format 99"):
        require_run_of("payroll", store, ours)
    with pytest.raises(InputError, match="is a run of another use case") as raised:
        require_run_of("payroll", store, FOLDER)
    assert "secret" not in str(raised.value)
