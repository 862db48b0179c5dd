"""``docs/reference/s3_layout.md`` and ``include/distill/config/layout.py`` describe the same objects."""

from __future__ import annotations

import datetime
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from include.distill.config.history_layout import history_month_uri
from include.distill.config.layout import Layout, RunFolder, owner_uri
from include.distill.config.notification_layout import unsent_message_uri
from include.distill.config.sections import Storage
from tests.docs.pages import names, page, rows, section

STORAGE = Storage(training_bucket="training", output_bucket="output", prefix="p")
OWNERS = (
    RunFolder(f"s3://training/p/runs/x/r-{'0' * 32}"),
    Layout(STORAGE),
)
# Examples of the arguments, by name; any other argument is a name without special meaning.
ARGUMENTS: dict[str, list[Any]] = {
    "number": [7],
    "ordinal": [1],
    "map_index": [-1, 0],
    "rows": ["train", "evaluation"],
    "extension": ["json", "html"],
    "started": [datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)],
}
FILES = {
    "source": ["train", "evaluation", "rejected"],
    "merged": ["train.jsonl", "validation.jsonl", "data_card.json"],
    "label_sample": ["sheet.csv"],
}
# Parts of URIs, which name no object; the answer store, whose objects are named by their keys.
PARTS = {"uri", "run_key", "root", "roots", "use_case_name", "is_former", "former", "storage", "run_uri", "runs"}
PARTS |= {"responses"}
ANSWER = "responses/nova-micro/ab/abcd.json"
SECTIONS = [
    pytest.param("training", "## Training bucket, below `<prefix>/`", id="training"),
    pytest.param("output", "## Output bucket, below `<prefix>/`", id="output"),
]


def uris() -> Iterator[str]:
    """Yield an example of every URI that the layout builds."""
    yield from (owner_uri(root) for root in Layout(STORAGE).roots)
    yield history_month_uri(Layout(STORAGE).roots[0], "x", *ARGUMENTS["started"])
    yield unsent_message_uri(Layout(STORAGE).roots[0], "prod", "x", *ARGUMENTS["started"], "0" * 32)
    for owner in OWNERS:
        for name in set(dir(owner)) - PARTS:
            value = getattr(owner, name)
            if name.startswith("_"):
                continue
            if not inspect.ismethod(value):
                yield value
                continue
            choices = (ARGUMENTS.get(key, FILES.get(name, ["x"])) for key in inspect.signature(value).parameters)
            yield from (value(*arguments) for arguments in itertools.product(*choices))


def built_keys(bucket: str) -> list[str]:
    start = f"s3://{bucket}/p/"
    keys = [uri.removeprefix(start) for uri in uris() if uri.startswith(start)]
    return sorted([*keys, ANSWER] if bucket == "training" else keys)


def described_keys(heading: str) -> list[str]:
    """Return the keys in a section's table; a name without a slash is in the folder of the one before it."""
    described = []
    for cells in rows(section(page("reference/s3_layout.md"), heading)):
        folder = ""
        for name in names(cells[0].replace("\\|", "|")):
            key = f"runs/<use case>/<run_key>/{name}" if name.startswith("report/") else name
            key = key if "/" in key or not folder else f"{folder}/{key}"
            folder = key.rpartition("/")[0]
            described.append(key)
    return described


def matches(described: str, key: str) -> bool:
    """Return whether a key of the page describes ``key``: an object, or a folder by the objects in it."""
    if key.endswith("/"):
        return re.fullmatch(expression(f"{described.rpartition('/')[0]}/"), key) is not None
    return re.fullmatch(expression(described) + (".*" if described.endswith("/") else ""), key) is not None


def expression(described: str) -> str:
    """Return a key of the page as a regular expression: ``<name>`` is any text, ``<a|b>`` and ``{a,b}`` are choices."""
    text = re.sub(r"<([a-z]+(?:\|[a-z]+)+)>", r"(\1)", described)
    text = re.sub(r"\{([^}]*)\}", lambda match: f"({match[1].replace(',', '|')})", text)
    return re.sub(r"<[^>]*>", "[^/]+", text.replace(".", "\\."))


@pytest.mark.parametrize(("bucket", "heading"), SECTIONS)
def test_every_object_of_the_layout_is_on_the_page(bucket: str, heading: str) -> None:
    described = described_keys(heading)
    keys = built_keys(bucket)
    missing = [key for key in keys if not any(matches(text, key) for text in described)]
    assert missing == [], f'add a row for each of {missing} to docs/reference/s3_layout.md, "{heading}"'
    assert len(keys) >= len(described)


@pytest.mark.parametrize(("bucket", "heading"), SECTIONS)
def test_every_object_on_the_page_is_in_the_layout(bucket: str, heading: str) -> None:
    keys = built_keys(bucket)
    unknown = [text for text in described_keys(heading) if not any(matches(text, key) for key in keys)]
    assert unknown == [], f'docs/reference/s3_layout.md, "{heading}", has keys that the layout does not build'


def test_a_key_that_the_layout_does_not_build_is_found() -> None:
    assert matches("runs/<run_key>/shards/<train|evaluation>-<n>.jsonl", "runs/r-1/shards/train-00007.jsonl")
    assert not matches("runs/<run_key>/shards/<train|evaluation>-<n>.jsonl", "runs/r-1/shards/test-00007.jsonl")
    assert not matches("runs/<run_key>/estimate.json", "runs/r-1/estimates.json")
    assert not matches("runs/<run_key>/estimate.json", "runs/r-1/more/")
