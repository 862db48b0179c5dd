"""A row is stored with all its counts, so that a later run can be compared with it."""

from __future__ import annotations

from dataclasses import fields

from tools.chaos.row import Row


def test_every_field_of_a_row_is_stored_and_can_be_read_again() -> None:
    row = Row("a / b", 1, 0, 1, 0, 0, 0, 0, ok=True, deployments=2, expected_deployments=2, standing=1)
    stored = row.as_json()
    assert stored.keys() == {field.name for field in fields(Row)}
    assert Row(**stored) == row
