"""An audited installation of its own, with a catalogue that makes the controller use all of its rights."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights import catalogue
from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.core import rights

LIKE_OLDER_SERVERS = "WatchList=false"
"""They cannot stream what is there to a watch, so that it has to be listed."""


@pytest.fixture(scope="package")
def audited(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("audited")
    who = accounts.users(rights.ROLES)
    with ControlPlane.start(audit=True, audited=who, feature_gates=LIKE_OLDER_SERVERS) as plane:
        product = Installation.start(plane, folder, catalogue=catalogue.write(folder))
        yield product
        product.stop()
