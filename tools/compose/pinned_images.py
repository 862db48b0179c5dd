"""
Write the digests of the container images into the Dockerfiles and Compose files (``make pin-images``).

A tag can be moved to another image, but a digest cannot. A digest is written only if Docker has just looked it up in
the registry, so the command needs a machine with Docker and access to the registry. Images that the project
builds are in no registry, so they get no digest.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.compose.image_names import find_images
from tools.local_airflow.exit_codes import REFUSED

# The files in the project's folder that may name images.
FILES = ("docker-compose*.y*ml", "compose*.y*ml", "Dockerfile*", "*.Dockerfile")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run_docker(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a Docker command and return its exit code and output."""
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603


def _full_name(name: str) -> str:
    """Return an image's name as Docker shows it: ``docker.io/library/redis`` becomes ``redis``."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def look_up(image: str, run: Run) -> str:
    """
    Pull an image and return the digest that the registry gave for its tag.

    :raises InputError: Docker cannot be run, it cannot pull the image, or it does not report exactly one digest.
    """
    tail = (
        "No file was changed. Run make pin-images again on a machine with Docker that can reach the image's registry."
    )
    try:
        pulled = run(["docker", "pull", "--quiet", image])
        if pulled.returncode:
            raise InputError(f"Docker could not pull {image}: {pulled.stderr.strip() or 'no message'}. {tail}")
        shown = run(["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image])
    except OSError as error:
        raise InputError(
            f"The digest of {image} cannot be looked up, because Docker cannot be run: {error}. {tail}"
        ) from error
    try:
        entries: list[tuple[str, str, str]] = [entry.partition("@") for entry in json.loads(shown.stdout)]
    except (ValueError, AttributeError, TypeError):
        entries = []
    digests = {digest for name, _, digest in entries if _full_name(name) == _full_name(image.rpartition(":")[0])}
    if shown.returncode or not digests or not all(DIGEST.fullmatch(digest) for digest in digests):
        raise InputError(f"Docker pulled {image} but reports no digest for it: {shown.stdout.strip()!r}. {tail}")
    if len(digests) > 1:  # the image was pulled under several digests, and some of them may be outdated
        raise InputError(
            f"Docker reports several digests for {image}: {', '.join(sorted(digests))}. Only one of them belongs to the"
            f" tag. No file was changed. Run docker image rm {image}, then make pin-images again."
        )
    (digest,) = digests
    return digest


def pin(folder: Path, run: Run = run_docker) -> list[str]:
    """
    Look up the digests of all images, then write them into the files.

    :param folder: the folder that contains the files.
    :return: the pinned images.
    :raises InputError: an image cannot be pinned, or its digest could not be looked up. No file was changed.
    """
    paths = sorted({path for pattern in FILES for path in folder.glob(pattern)})
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    named = {path: find_images(path.name, text) for path, text in texts.items()}
    images = {place.image for places in named.values() for place in places}
    digests = {image: look_up(image, run) for image in sorted(images)}
    for path, text in texts.items():
        for place in sorted(named[path], reverse=True):
            text = f"{text[: place.start]}{place.image}@{digests[place.image]}{text[place.end :]}"
        path.write_text(text, encoding="utf-8")
    return [f"{image}@{digest}" for image, digest in digests.items()]


def main(folder: Path = PROJECT_ROOT) -> int:
    """Pin the images and print them. Return 0 for success, or 2 if there was an error and no file was changed."""
    try:
        sys.stdout.write("\n".join(pin(folder)) + "\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
