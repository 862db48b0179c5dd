"""
Every List operation has the filters, sort orders and pages of the service model.

Sources: the input members of each List operation in botocore's service model and in AWS's API reference
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListCustomModels.html and its neighbours). The default
order, newest first, is documented for deployments only; for the other lists it is UNVERIFIED.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.conformance.operations import OPERATIONS, call

NAMES = ["alpha-1", "alpha-2", "beta-3"]
APART_SECONDS = 0.005  # the times of two items differ by more than the two milliseconds that a test adds to a time


@dataclass(frozen=True)
class Listing:
    """
    A List operation: the keys of its answer, and how to create an item with a given name.

    :param time: the time of an item.
    :param filter: what the names of the filters by this time begin with; as ``time`` if it is empty.
    """

    items: str
    name: str
    create: Callable[[RunningSimulator, str], Any]
    time: str = "creationTime"
    filter: str = ""


def newest_model(simulator: RunningSimulator) -> str:
    return str(simulator.boto("bedrock").list_custom_models()["modelSummaries"][0]["modelArn"])


LISTINGS = {
    "ListModelCustomizationJobs": Listing(
        "modelCustomizationJobSummaries", "jobName", lambda sim, name: builders.create_job(sim, jobName=name)
    ),
    "ListCustomModels": Listing(
        "modelSummaries",
        "modelName",
        lambda sim, name: builders.custom_model(sim, customModelName=name),
    ),
    "ListProvisionedModelThroughputs": Listing(
        "provisionedModelSummaries",
        "provisionedModelName",
        lambda sim, name: builders.provision(sim, builders.STUDENT_BASE, provisionedModelName=name),
    ),
    "ListCustomModelDeployments": Listing(
        "modelDeploymentSummaries",
        "customModelDeploymentName",
        lambda sim, name: builders.deploy(sim, newest_model(sim), modelDeploymentName=name),
        time="createdAt",
        filter="created",
    ),
    "ListModelInvocationJobs": Listing(
        "invocationJobSummaries",
        "jobName",
        lambda sim, name: builders.finished_batch(sim, builders.create_batch(sim, jobName=name)),
        time="submitTime",
    ),
    "ListEvaluationJobs": Listing(
        "jobSummaries",
        "jobName",
        lambda sim, name: builders.finished_evaluation(sim, builders.create_evaluation(sim, jobName=name)),
    ),
    "ListAdvancedPromptOptimizationJobs": Listing(
        "jobSummaries",
        "jobName",
        lambda sim, name: builders.finished_optimization(sim, builders.create_optimization(sim, jobName=name)),
    ),
}
# Prompt optimization jobs have no filters.
FILTERED = [name for name in LISTINGS if "nameContains" in OPERATIONS[name].input_shape.members]
# These operations have other filters and no order; resources/ tests them.
OTHER_LISTS = {"ListFoundationModels", "ListInferenceProfiles", "ListTagsForResource"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """A simulator in which each list has three items, created one after the other."""
    folder: Path = tmp_path_factory.mktemp("lists")
    kinds = ("job", "batch", "evaluation", "optimization", "throughput", "deployment")
    durations = [f"{kind}_seconds" for kind in kinds]
    with start_simulator(folder, **dict.fromkeys(durations, 0)) as simulator:
        for name in LISTINGS:
            if name != "ListModelCustomizationJobs":  # the jobs of custom models would come between them
                for item in NAMES:
                    LISTINGS[name].create(simulator, item)
                    time.sleep(APART_SECONDS)
        for item in NAMES:
            builders.finished_job(simulator, LISTINGS["ListModelCustomizationJobs"].create(simulator, item))
            time.sleep(APART_SECONDS)
        yield simulator


def items(simulator: RunningSimulator, operation: str, **arguments: Any) -> list[Any]:
    listing = LISTINGS[operation]
    return [item for item in call(simulator, operation, arguments)[listing.items] if item[listing.name] in NAMES]


def names(simulator: RunningSimulator, operation: str, **arguments: Any) -> list[str]:
    return [item[LISTINGS[operation].name] for item in items(simulator, operation, **arguments)]


def test_every_list_is_tested() -> None:
    assert {name for name in OPERATIONS if name.startswith("List")} == {*LISTINGS, *OTHER_LISTS}


@pytest.mark.parametrize("operation", LISTINGS)
def test_the_order_is_newest_first_unless_the_request_says_ascending(filled: RunningSimulator, operation: str) -> None:
    assert names(filled, operation, sortBy="CreationTime", sortOrder="Ascending") == NAMES
    assert names(filled, operation) == names(filled, operation, sortOrder="Descending") == NAMES[::-1]


@pytest.mark.parametrize("operation", FILTERED)
def test_name_contains_is_a_part_of_the_name(filled: RunningSimulator, operation: str) -> None:
    assert names(filled, operation, nameContains="alpha") == ["alpha-2", "alpha-1"]
    assert names(filled, operation, nameContains="a-3") == ["beta-3"]
    if operation == "ListEvaluationJobs":  # names of these jobs have no capital letters
        with refused("ValidationException", "nameContains"):
            names(filled, operation, nameContains="ALPHA")
    else:
        assert names(filled, operation, nameContains="ALPHA") == []


@pytest.mark.parametrize("operation", FILTERED)
def test_items_are_filtered_by_their_time(filled: RunningSimulator, operation: str) -> None:
    listing = LISTINGS[operation]
    name = listing.filter or listing.time
    second = items(filled, operation, nameContains="alpha-2")[0][listing.time]
    margin = datetime.timedelta(milliseconds=2)  # answers show milliseconds
    assert names(filled, operation, **{f"{name}Before": second - margin}) == ["alpha-1"]
    assert names(filled, operation, **{f"{name}After": second + margin}) == ["beta-3"]
    # "created after the specified time" (API reference): an item is not after the time that its own answer shows.
    assert names(filled, operation, **{f"{name}After": second}) == ["beta-3"]
    assert names(filled, operation, **{f"{name}Before": second}) == ["alpha-1"]
    between = {f"{name}After": second - margin, f"{name}Before": second + margin}
    assert names(filled, operation, **between) == ["alpha-2"]


@pytest.mark.parametrize("operation", LISTINGS)
def test_pages_together_are_the_whole_list(filled: RunningSimulator, operation: str) -> None:
    listing, pages, token = LISTINGS[operation], [], {}
    while True:
        page = call(filled, operation, {"maxResults": 2, "sortOrder": "Ascending", **token})
        pages.append([item[listing.name] for item in page[listing.items]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    everything = call(filled, operation, {"sortOrder": "Ascending", "maxResults": 1000})[listing.items]
    assert [name for page in pages for name in page] == [item[listing.name] for item in everything]
    assert all(len(page) == 2 for page in pages[:-1])
    assert len(pages) > 1


@pytest.mark.parametrize("operation", LISTINGS)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"maxResults": 0}, id="too few"),
        pytest.param({"maxResults": 1001}, id="too many"),
        pytest.param({"nextToken": "bm9wZQ=="}, id="a token of no list"),
        pytest.param({"nextToken": "not base64"}, id="not a token"),
        pytest.param({"sortBy": "Name"}, id="order by name"),
        pytest.param({"sortOrder": "ASCENDING"}, id="unknown order"),
    ],
)
def test_a_wrong_argument_is_refused(filled: RunningSimulator, operation: str, arguments: dict[str, Any]) -> None:
    with refused("ValidationException", next(iter(arguments)), status=400):
        call(filled, operation, arguments)


@pytest.mark.parametrize("operation", FILTERED)
def test_a_text_that_no_name_contains_is_refused(filled: RunningSimulator, operation: str) -> None:
    with refused("ValidationException", "nameContains", status=400):
        call(filled, operation, {"nameContains": "not a name!"})


@pytest.mark.parametrize(
    ("operation", "member", "status"),
    [
        ("ListModelCustomizationJobs", "statusEquals", "Completed"),
        ("ListCustomModels", "modelStatus", "Active"),
        ("ListProvisionedModelThroughputs", "statusEquals", "InService"),
        ("ListCustomModelDeployments", "statusEquals", "Active"),
        ("ListModelInvocationJobs", "statusEquals", "Completed"),
        ("ListEvaluationJobs", "statusEquals", "Completed"),
    ],
)
def test_items_are_filtered_by_every_status(filled: RunningSimulator, operation: str, member: str, status: str) -> None:
    shape = OPERATIONS[operation].input_shape.members[member]
    found = {value: names(filled, operation, **{member: value}) for value in shape.enum}
    assert found == {value: NAMES[::-1] if value == status else [] for value in shape.enum}
    with refused("ValidationException", member):
        call(filled, operation, {member: "Nonsense"})


def test_models_and_throughputs_are_filtered_by_their_base(filled: RunningSimulator) -> None:
    base = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k"
    other = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"
    for member in ("baseModelArnEquals", "foundationModelArnEquals"):
        assert names(filled, "ListCustomModels", **{member: base}) == NAMES[::-1]
        assert names(filled, "ListCustomModels", **{member: other}) == []
    assert names(filled, "ListProvisionedModelThroughputs", modelArnEquals=base) == NAMES[::-1]
    assert names(filled, "ListProvisionedModelThroughputs", modelArnEquals=other) == []


@pytest.mark.parametrize("operation", LISTINGS)
def test_each_region_has_lists_of_its_own(filled: RunningSimulator, operation: str) -> None:
    assert call(filled, operation, {}, region="us-west-2")[LISTINGS[operation].items] == []


@pytest.mark.parametrize(
    ("member", "values", "absent"),
    [
        ("byProvider", ["Amazon", "anthropic", "Mistral AI"], "Nobody"),
        ("byCustomizationType", ["FINE_TUNING"], "CONTINUED_PRE_TRAINING"),
        ("byInferenceType", ["ON_DEMAND", "PROVISIONED"], None),
        ("byOutputModality", ["TEXT"], "EMBEDDING"),
    ],
)
def test_foundation_models_have_the_filters_of_the_service_model(
    filled: RunningSimulator, member: str, values: list[str], absent: str | None
) -> None:
    def found(**arguments: str) -> list[str]:
        return [m["modelId"] for m in call(filled, "ListFoundationModels", arguments)["modelSummaries"]]

    for value in values:
        assert 0 < len(found(**{member: value})) <= len(found())
    assert absent is None or found(**{member: absent}) == []
    with refused("ValidationException", member):
        found(**{member: "?!"})
