"""Test that no two people share a labeler name."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.labeling.label_params import LabelParams
from include.distill.labeling.labeler_names import labeler_name, worker_labeler_name
from tests.fakes.each_case import each_case

# Each of these users is another person.
USERS = [
    "ada", "ada-l", "ada.l", "ada_l", "ada l", "ada--l", "-ada-l", "ada-l-", "ada@l", "ada.l@example.com",
    "ada.l@example.org", "nal", "Ünal", "Unal", "Ûnal", "nál", "José", "Jose", "Josè", "Jos", "Zoë", "Zo", "Zoe",
    "李雷", "韩梅梅", "李 雷", "Анна", "Инна", "Αννα", "अनिल", "محمد", "דוד", "박지성", "田中", "Łukasz", "ukasz",
    "Lukasz",
    "Øyvind", "yvind", "Oyvind", "é", "è", "ø", "🙂", "🙃", "", "somebody", "user", "..", "../../x", "x", "/", "\\",
    "a" * 40, "a" * 41, "a" * 50, "a" * 60, "a" * 39 + "é", "k", "\u212a", "аda", "ada\u200b", "ada\xa0", " ada",
    "ada ", "1", "١", "ﬁ", "fi", "ß", "ss", "ada\n", "ada\x00", "\x00",
]  # fmt: skip


def test_two_people_never_share_a_name() -> None:
    with each_case() as case:
        for first, second in itertools.combinations(USERS, 2):
            with case(first, second):
                assert labeler_name(first) != labeler_name(second)


def test_the_name_is_a_file_name_that_the_form_also_accepts() -> None:
    with each_case() as case:
        for user in USERS:
            with case(user):
                name = labeler_name(user)
                assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
                assert LabelParams(labeller=name).labeller == name


def test_a_person_cannot_take_the_name_of_another_as_a_user_name() -> None:
    with each_case() as case:
        for user in USERS:
            with case(user):
                taken = labeler_name(user)
                assert taken == user.lower() or labeler_name(taken) != taken


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_two_names_stay_different(first: str, second: str) -> None:
    same_person = unicodedata.normalize("NFC", first).lower() == unicodedata.normalize("NFC", second).lower()
    assert same_person or labeler_name(first) != labeler_name(second)


@pytest.mark.parametrize(
    ("user", "name"), [("ada", "ada"), ("Ada", "ada"), ("ADA-L", "ada-l"), ("a1", "a1"), ("7", "7")]
)
def test_a_plain_name_is_kept_in_lower_case(user: str, name: str) -> None:
    assert labeler_name(user) == name


@pytest.mark.parametrize(
    ("user", "beginning"),
    [("Ünal", "unal-"), ("José", "jose-"), ("ada.l@example.com", "ada-l-example-com-"), ("李雷", "user-")],
)
def test_the_name_can_be_recognized(user: str, beginning: str) -> None:
    assert re.fullmatch(rf"{beginning}[0-9a-f]{{12}}", labeler_name(user))


@pytest.mark.parametrize("user", ["Ünal", "José", "박지성", "Zoë"])
def test_a_name_stored_with_decomposed_characters_is_the_same_name(user: str) -> None:
    assert labeler_name(unicodedata.normalize("NFD", user)) == labeler_name(unicodedata.normalize("NFC", user))


WORKERS = ["0f3a9b", "0F3A9B", "simulated-1", "simulated-2", "private.us-east-1.abc", "private-us-east-1-abc", "é", "e",
           "../x", "x", "a" * 33, "a" * 34, "a" * 256, "0123456789ab", "0123456789AB", " x", "x\n"]  # fmt: skip


def test_an_ordinary_id_of_a_worker_stays_as_it_is() -> None:
    assert worker_labeler_name("0f3a9b") == "worker-0f3a9b"


def test_two_workers_never_share_a_name_and_every_name_is_a_file_name() -> None:
    names = [worker_labeler_name(worker) for worker in WORKERS]
    assert len(set(names)) == len(WORKERS)
    assert all(re.fullmatch(r"worker(-[a-z0-9]+)+", name) and len(name) <= 40 for name in names)


def test_the_name_of_a_worker_never_equals_that_of_another_worker_with_the_hash() -> None:
    assert worker_labeler_name(worker_labeler_name("X").removeprefix("worker-")) != worker_labeler_name("X")
