"""Create the DAGs of all use cases, so that a use case whose DAG cannot be created does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow.sdk import DAG, get_parsing_context

from include.distill.config.use_case import UseCase


def use_case_dags(
    use_cases: Iterable[UseCase], build: Callable[[UseCase], DAG], *, dag_id: Callable[[UseCase], str], kind: str
) -> tuple[dict[str, DAG], list[str]]:
    """
    Return the DAGs by their ids, and the problems of the use cases whose DAG cannot be created.

    Airflow loads only DAGs that are global variables of a DAG file, so the file must add the DAGs to its ``globals()``.

    A worker needs only the DAG of its task, so only this DAG is created there.

    :param build: creates the DAG of a use case.
    :param dag_id: returns the id of a use case's DAG.
    :param kind: name of this kind of DAG in messages.
    :raises Exception: the DAG that a worker needs cannot be created. The error is the one that ``build`` raised.
    """
    wanted = get_parsing_context().dag_id  # None in the DAG processor, which needs all DAGs
    dags: dict[str, DAG] = {}
    problems: list[str] = []
    for use_case in use_cases:
        if wanted not in (None, dag_id(use_case)):
            continue
        try:
            dags[dag_id(use_case)] = build(use_case)
        except Exception as error:  # whatever the error is, the other use cases must load
            if wanted:
                raise
            problems.append(f"{use_case.name}.yaml: the {kind} cannot be created: {type(error).__name__}: {error}")
    return dags, problems
