"""
Find and read the metrics that Bedrock writes for a customization job.

The user guide puts ``validation_metrics.csv`` into ``post_fine_tuning_validation/``, as the AWS simulator does. Jobs of
some families have written it one folder deeper, in ``post_fine_tuning_validation/validation/``, where several public
programs read it. The folder of the training metrics has changed as well. So files are found by their names:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
"""

from __future__ import annotations

from collections.abc import Callable

from include.distill.core.storage import ObjectStore
from include.distill.training.losses import LossColumn, loss_curve
from include.distill.training.records import LossPoint, TrainingManifest

TRAINING_METRICS = "step_wise_training_metrics.csv"
VALIDATION_METRICS = "validation_metrics.csv"
_COLUMNS: dict[str, LossColumn] = {TRAINING_METRICS: "training_loss", VALIDATION_METRICS: "validation_loss"}
MAX_BYTES = 64 * 1024 * 1024


def read_metrics(
    store: ObjectStore, trained: TrainingManifest, name: str, *, note: Callable[[str], object]
) -> list[LossPoint] | None:
    """
    Return the losses in the metrics file ``name`` of a job; ``None`` if the job wrote no such file.

    :param note: is called with one sentence for each kind of fault in the file.
    """
    uri = find_metrics(store, trained, name)
    if uri is None:
        return None
    with store.reader(uri) as body:
        metrics = body.read(MAX_BYTES + 1)
    if len(metrics) > MAX_BYTES:
        note(f"{uri} has more than {MAX_BYTES:,} bytes and was not read")
        return []
    return loss_curve(metrics, column=_COLUMNS[name], note=lambda text: note(f"{uri}: {text}"))


def find_metrics(store: ObjectStore, trained: TrainingManifest, name: str) -> str | None:
    """
    Return the URI of the metrics file ``name`` of a job; ``None`` if the job wrote no such file.

    If a job wrote the file into several folders, the file in the deepest folder is returned.
    """
    job_id = trained["job_arn"].rsplit("/", 1)[-1]
    uris = [uri for uri in store.list(trained["output_uri"]) if job_id in uri and uri.rsplit("/", 1)[-1] == name]
    return max(uris, key=lambda uri: (uri.count("/"), uri), default=None)
