from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from include.distill.core.errors import InputError
from include.distill.labeling.sample import key_name
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER


def open_sample(equip: Any, sample: Any) -> Any:
    task = equip(
        CollectLabelsOperator(task_id="collect_labels", sample=sample, answered=[], use_case_name="aws_docs_qa")
    )
    return task.open_sample(), task.run_uri


def test_a_drawn_sample_is_read_with_its_key_and_its_run(equip: Any, draw: Any) -> None:
    sample = draw(examples=2)
    examples, run_uri = open_sample(equip, sample)
    assert run_uri == FOLDER.uri
    assert sample["key_uri"].endswith(key_name(examples))
    assert {example["a"] for example in examples} <= {"candidate", "baseline"}


@pytest.mark.parametrize("name", ["key_uri", "sheet_uri"])
def test_a_file_outside_of_the_sample_is_not_read(equip: Any, draw: Any, store: MemoryStore, name: str) -> None:
    secret = f"{FOLDER.root}/responses/key-1.jsonl"
    store.write(secret, b'{"example": "secret"}\n')
    with pytest.raises(InputError, match="not in the sample of run") as refused:
        open_sample(equip, {**draw(), name: secret})
    assert refused.value.to_do == "Clear draw_sample with downstream."
