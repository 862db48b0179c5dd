from __future__ import annotations

from tools.compose.image_names import ImagePlace, find_images


def test_a_place_includes_the_digest_that_is_already_there() -> None:
    named = f"redis:7.2@sha256:{'a' * 64}"
    assert find_images("Dockerfile", f"FROM {named}\n") == [ImagePlace(5, 5 + len(named), "redis:7.2")]
