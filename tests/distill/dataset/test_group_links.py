from __future__ import annotations

from include.distill.dataset.group_links import Conflict, GroupLinks
from tests.distill.dataset.test_document_groups import groups_of, text_of

GROUPS = groups_of(*(text_of(n) for n in range(4)))


def test_a_document_that_shares_a_passage_with_the_other_side_is_a_conflict_of_a_passage() -> None:
    links = GroupLinks(GROUPS, {0: "evaluation", 1: "train"})
    assert links.add(0, [])
    assert not links.add(1, [], [0])
    assert links.conflicts == {1: Conflict(1, 0, "passage")}


def test_groups_on_two_sides_are_not_joined() -> None:
    links = GroupLinks(GROUPS, {0: "evaluation", 1: "train"})
    for number in range(4):
        links.add(number, [])
    links.join_if_possible(0, 1)
    links.join_if_possible(2, 1)
    assert [links.side(number) for number in range(4)] == ["evaluation", "train", "train", None]
    names = links.names()
    assert names[1] == names[2]
    assert names[0] != names[1]
