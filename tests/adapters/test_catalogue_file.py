"""The catalogue in force: the last good content of its file."""

import io
import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from webhook import telemetry
from webhook.adapters.catalogue_file import CatalogueInForce
from webhook.core.errors import InvalidPolicyError

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
OTHER = BUILT_IN.replace('pods: "20"', 'pods: "30"')


class Watched:
    """A catalogue file, and who watches it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_text(BUILT_IN)
        self.metrics = telemetry.Metrics()
        self.lines = io.StringIO()
        log = telemetry.Log(lambda: datetime(2026, 1, 2, tzinfo=UTC), self.lines)
        self.in_force = CatalogueInForce(path, metrics=self.metrics, log=log)

    def changed_to(self, content: str | bytes) -> bool:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.in_force.look()

    @property
    def pods(self) -> str:
        return self.in_force().tiers["small"].quota["pods"]

    @property
    def success(self) -> float | None:
        return self.metrics.registry.get_sample_value("nsp_catalogue_reload_success")

    def logged(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.lines.getvalue().splitlines()]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "catalogue.yaml")


def test_a_good_change_comes_into_force_whole(watched: Watched) -> None:
    assert watched.changed_to(OTHER)
    assert watched.pods == "30"
    revision = watched.in_force().revision
    assert watched.metrics.registry.get_sample_value("nsp_catalogue_info", {"revision": revision}) == 1
    assert watched.metrics.exposition().decode().count("nsp_catalogue_info{") == 1
    assert watched.in_force.state() == f"revision {revision}, 4 tiers"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(BUILT_IN[:800], id="half of it"),
        pytest.param(BUILT_IN.replace("requests.cpu", "cores"), id="wrong keys"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param("[" * 100_000, id="nested deep"),
    ],
)
def test_a_bad_change_leaves_the_last_good_one_in_force(watched: Watched, content: str | bytes) -> None:
    watched.changed_to(OTHER)
    assert not watched.changed_to(content)
    assert watched.pods == "30"
    assert watched.success == 0
    assert "the file has changed and is not good" in watched.in_force.state()


def test_a_bad_content_is_logged_once(watched: Watched) -> None:
    for _ in range(3):
        watched.changed_to("nonsense")
    assert watched.logged() == ["catalogue not reloaded, the old one stays"]


def test_a_mended_file_is_taken(watched: Watched) -> None:
    watched.changed_to("nonsense")
    assert watched.changed_to(OTHER)
    assert (watched.pods, watched.success, watched.in_force.trouble) == ("30", 1, "")


def test_a_file_put_back_as_it_was_is_no_trouble_any_more(watched: Watched) -> None:
    watched.changed_to("nonsense")
    assert not watched.changed_to(BUILT_IN)
    assert (watched.pods, watched.success, watched.in_force.trouble) == ("20", 1, "")


def test_a_file_that_vanishes_and_comes_back_changes_nothing(watched: Watched) -> None:
    watched.path.unlink()
    assert not watched.in_force.look()
    assert "cannot be read: No such file or directory" in watched.in_force.trouble
    assert not watched.changed_to(BUILT_IN)
    assert watched.in_force.trouble == ""


def test_another_comment_is_no_change(watched: Watched) -> None:
    assert not watched.changed_to(BUILT_IN + "# a remark\n")
    assert watched.success == 1


def test_a_bad_file_at_start_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text("nonsense")
    log = telemetry.Log(lambda: datetime(2026, 1, 2, tzinfo=UTC), io.StringIO())
    with pytest.raises(InvalidPolicyError):
        CatalogueInForce(path, metrics=telemetry.Metrics(), log=log)


def test_the_built_in_one_has_no_file_to_look_at() -> None:
    log = telemetry.Log(lambda: datetime(2026, 1, 2, tzinfo=UTC), io.StringIO())
    in_force = CatalogueInForce(None, metrics=telemetry.Metrics(), log=log)
    assert not in_force.look()
    assert in_force().default_tier == "small"
