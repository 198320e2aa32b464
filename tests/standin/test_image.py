"""The image is what the Dockerfile says, and only ours is run. Addresses are each Pod's own."""

from pathlib import Path

import pytest

from tools.standin import image
from tools.standin.addresses import Addresses
from tools.standin.errors import StandinError

DOCKERFILE = """FROM python AS build
ENV PATH=/not/this
USER 0
FROM python
ENV PATH=/app/bin:$PATH A=1 \\
    B=:2
USER 65532:65531
ENTRYPOINT ["nsp", "-v"]
CMD ["serve"]
"""


def test_it_is_read_from_the_last_stage(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    found = image.ours(tmp_path / "Dockerfile")
    assert (found.uid, found.gid) == (65532, 65531)
    assert (found.environment["A"], found.environment["B"]) == ("1", ":2")
    assert "/not/this" not in found.environment["PATH"]
    assert found.argv([], []) == ["nsp", "-v", "serve"]
    assert found.argv([], ["api"]) == ["nsp", "-v", "api"]
    assert found.argv(["sh"], []) == ["sh"]
    assert found.argv(["sh"], ["-c"]) == ["sh", "-c"]


def test_the_real_one_can_be_read() -> None:
    assert image.ours().entrypoint == ("nsp",)
    assert image.ours().uid > 0


@pytest.mark.parametrize(
    ("reference", "ours"),
    [
        ("ns-provisioner", True),
        ("registry:5000/team/ns-provisioner:1.0@sha256:00", True),
        ("registry/ns-provisioner@sha256:00", True),
        ("busybox", False),
        ("ns-provisioner/busybox:1", False),
        ("my-ns-provisioner", False),
    ],
)
def test_which_images_are_ours(reference: str, ours: bool) -> None:
    assert image.is_ours(reference) == ours


def test_addresses_are_given_once_and_the_oldest_again_first() -> None:
    addresses = Addresses(0xAB0C)
    given = [addresses.take() for _ in range(127)]
    assert len(set(given)) == 127
    assert (given[0], given[-1]) == ("127.171.12.128", "127.171.12.254")
    with pytest.raises(StandinError, match="at most 127"):
        addresses.take()
    for address in (given[5], given[3]):
        addresses.give_back(address)
    assert addresses.take(given[3]) == given[3]
    assert addresses.take("127.0.0.1") == given[5]
