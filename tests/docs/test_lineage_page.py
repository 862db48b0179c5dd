"""The page about lineage names the tasks, the facts and the assets that the code has."""

from __future__ import annotations

import pytest

from bedrock_distill.lineage.assets import dataset_asset, model_asset, report_asset
from bedrock_distill.lineage.run_facts import RunFacts
from bedrock_distill.run.champion_asset import champion_asset
from include.distill.evaluation.records import ChampionEvent
from include.distill.report.records import ReportEvent
from include.distill.training.records import DatasetEvent, ModelEvent
from tests.docs.pages import names, page, rows, section

TEXT = page("reference/lineage.md")
ASSETS = {row[0]: row for row in rows(section(TEXT, "## Assets"))}


def test_the_page_lists_every_fact_and_no_other() -> None:
    listed = [names(row[0])[0] for row in rows(section(TEXT, "## Facts about the run"))]
    assert listed == list(RunFacts.__annotations__)


@pytest.mark.parametrize(
    ("asset", "event"),
    [
        (dataset_asset, DatasetEvent),
        (model_asset, ModelEvent),
        (report_asset, ReportEvent),
        (champion_asset, ChampionEvent),
    ],
)
def test_the_page_has_the_name_the_uri_and_the_data_of_every_asset(asset: object, event: type) -> None:
    assert callable(asset)
    named = asset("<use case>")
    row = ASSETS[f"`{named.name}`"]
    assert names(row[1]) == [named.uri]
    assert set(names(row[4])) == set(event.__annotations__)
