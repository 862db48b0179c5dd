"""Compare the KMS key of a job that was bought earlier with the key that the use case names now."""

from __future__ import annotations


def other_key_warning(job: str, found: str | None, expected: str | None) -> str | None:
    """
    Return a warning if a job was bought with another key; ``None`` if it was not, or if this is not certain.

    The key does not change the results, so the job is not bought again. A person who must replace the key may delete
    the results. Bedrock may state an alias as the key itself, so aliases are not compared.

    :param job: the kind and the name of the job, as the beginning of a sentence.
    :param found: the key of the job; ``None`` if it has none.
    :param expected: the key in the use case; ``None`` if it names none.
    """
    if found == expected or any(":alias/" in key for key in (found, expected) if key):
        return None
    wanted = f"names the key {expected}" if expected else "names no key"
    return (
        f"{job} was bought {f'with the KMS key {found}' if found else 'without a KMS key'}, but the use case now"
        f" {wanted}. The job is used as it is and not bought again, because the key does not change its results. What"
        " it wrote stays encrypted as it is."
    )
