from __future__ import annotations

import json
from random import Random

from tools.fuzz.mutation import MAX_BYTES, mutate

SEED = b'{"a": [1, {"b": "text"}]}\nsecond line\n'


def mutated(number: int, seed: int = 1) -> list[bytes]:
    random = Random(seed)
    return [mutate(SEED, random, [SEED, b"other input"], [b"<word>"]) for _ in range(number)]


def test_the_same_seed_makes_the_same_inputs() -> None:
    assert mutated(200) == mutated(200) != mutated(200, seed=2)


def test_inputs_differ_and_are_not_longer_than_allowed() -> None:
    made = mutated(1_000)
    assert len(set(made)) > 700
    assert max(map(len, made)) <= MAX_BYTES


def test_words_other_inputs_and_values_of_json_are_used() -> None:
    made = mutated(1_000)
    assert any(b"<word>" in data for data in made)
    assert any(data.endswith(b"other input") for data in made)
    changed = set()
    for data in made:
        try:
            value = json.loads(data.split(b"\n")[0])
        except (ValueError, RecursionError):
            continue
        changed.add(json.dumps(value))
    assert len(changed) > 50


def test_an_empty_input_can_be_changed() -> None:
    random = Random(1)
    assert any(mutate(b"", random, [b""], []) for _ in range(100))
