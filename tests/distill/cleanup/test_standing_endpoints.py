"""The standing endpoint of a champion is deleted only if the form asks for exactly this."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.ownership import OwnershipCheck
from include.distill.cleanup.plan import ForeignRoot, Inventory, ListedEndpoint
from include.distill.cleanup.rules import plan_clean_up
from include.distill.cleanup.standing_endpoints import reason_to_keep, root_of_records
from include.distill.core.naming import standing_endpoint_name, throughput_names
from tests.distill.cleanup.test_rules import KEY, NOW, OLD, ROOT, RUN, TAGS, model, objects, root, throughput

NAME = standing_endpoint_name("prod", "docs")
STANDING = {key: value for key, value in TAGS.items() if key not in ("arm", "expires-at", "fingerprint")} | {
    "role": "standing"
}
TICKED = {"delete_standing_endpoints": True}


def standing(name: str = NAME, tags: Any = STANDING, *, units: int = 0, created: Any = OLD) -> ListedEndpoint:
    return ListedEndpoint(name, "arn:standing", created, tags, "success", "arn:m-1", units)


def inventory(**changes: Any) -> Inventory:
    record = objects(f"{ROOT}/champions/docs.json")
    parts: dict[str, Any] = {"roots": [root(objects=[*root().objects, *record])], "use_cases": frozenset({"docs"})}
    return Inventory("prod", **{**parts, **changes})


def reason(endpoint: ListedEndpoint, choice: dict[str, Any], **changes: Any) -> str | None:
    check = OwnershipCheck("prod", lambda: [ROOT])
    return reason_to_keep(endpoint, inventory(**changes), CleanUpChoice(**choice), check)


@pytest.mark.parametrize("units", [0, 2])
def test_the_form_deletes_it_only_if_its_own_field_is_ticked(units: int) -> None:
    everything = {"dry_run": False, "include_unexpired": True, "deployments": True, "throughput": True}
    kept = reason(standing(units=units), everything) or ""
    assert "which applications call; tick 'Standing endpoints' to delete it" in kept
    assert reason(standing(units=units), TICKED) is None
    assert reason(standing(units=units), {**TICKED, "deployments": False, "throughput": False}) is None


@pytest.mark.parametrize(
    ("endpoint", "choice", "kept"),
    [
        pytest.param(standing(), {"use_case": "other"}, "use case docs, but other was chosen", id="another use case"),
        pytest.param(standing("prod-docs"), {}, "its name does not match its tags", id="another name"),
        pytest.param(
            standing(throughput_names("prod", "docs", "tuned", KEY, 1).name), {}, "does not match its tags", id="an arm"
        ),
        pytest.param(
            standing(tags={**STANDING, "use-case": "faq"}), {}, "does not match its tags", id="copied to another"
        ),
        pytest.param(
            standing(tags={key: text for key, text in STANDING.items() if key != "use-case"}),
            {},
            "does not",
            id="no tag",
        ),
        pytest.param(
            standing(tags={**STANDING, "environment": "dev"}), {}, "environment 'dev'", id="other environment"
        ),
    ],
)
def test_an_endpoint_that_is_not_certainly_chosen_is_kept(
    endpoint: ListedEndpoint, choice: dict[str, Any], kept: str
) -> None:
    assert kept in (reason(endpoint, {**TICKED, **choice}) or "")


def test_it_is_kept_if_its_record_is_unknown_or_a_run_changes_it() -> None:
    assert "has no YAML file" in (reason(standing(), TICKED, use_cases=frozenset()) or "")
    others = [root(foreign=[ForeignRoot(ROOT, "it belongs to others", objects(f"{ROOT}/x"))])]
    assert "was not read: it belongs to others" in (reason(standing(), TICKED, roots=others) or "")
    changing = [root(changing={"docs": "nightly"})]
    assert reason(standing(), TICKED, roots=changing) == "run nightly is changing it"
    elsewhere = [root(changing={"faq": "nightly"})]
    assert reason(standing(), TICKED, roots=elsewhere) is None


def test_the_root_of_the_records_is_found_by_the_champions_record() -> None:
    assert root_of_records(inventory(), "docs") == ROOT
    assert root_of_records(inventory(roots=[root()]), "docs") is None
    assert root_of_records(inventory(), "faq") is None


class TestPlan:
    def plan(self, endpoint: ListedEndpoint, **choice: Any) -> Any:
        listed = inventory(endpoints=[endpoint, throughput()], models=[model()])
        return plan_clean_up(listed, CleanUpChoice(**choice), now=NOW)

    def test_a_dry_run_shows_its_arn_and_what_it_costs(self) -> None:
        (item, _) = self.plan(standing(units=2), **TICKED).items[:2]
        assert (item.keep_reason, item.root, item.release_record) == (None, ROOT, None)
        assert item.detail == f"standing endpoint arn:standing, 2 units, billed since {OLD:%Y-%m-%d %H:%M} UTC"

    def test_one_that_is_newer_than_the_listing_is_kept(self) -> None:
        late = standing(created=NOW + datetime.timedelta(seconds=1))
        (item,) = [item for item in self.plan(late, **TICKED).items if item.name == NAME]
        assert item.keep_reason == "it is newer than the listing"

    def test_a_kept_one_keeps_its_model_but_not_the_folder_of_the_run_that_created_it(self) -> None:
        items = {item.name: item.keep_reason for item in self.plan(standing(), newest_reports=True).items}
        assert f"deployment {NAME} uses it and is also kept" in (items[model().name] or "")
        assert items[RUN] is None
