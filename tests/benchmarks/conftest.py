"""The Go programs of the benchmarks, and the servers that they compare."""

from collections.abc import Iterator

import pytest

from benchmarks.admission import programs
from benchmarks.admission.servers import Bench, Server


@pytest.fixture(scope="session")
def bench(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), programs.ensure())


@pytest.fixture(scope="session")
def ours(bench: Bench) -> Iterator[Server]:
    with bench.running("ours", bench.ours()) as server:
        yield server


@pytest.fixture(scope="session")
def reference(bench: Bench) -> Iterator[Server]:
    with bench.running("reference", bench.reference()) as server:
        yield server


@pytest.fixture(scope="session")
def constant(bench: Bench) -> Iterator[Server]:
    patch = b'[{"op":"add","path":"/metadata/labels/a","value":"b"}]'
    with bench.running("constant", bench.constant(patch)) as server:
        yield server
