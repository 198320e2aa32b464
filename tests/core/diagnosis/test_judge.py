"""What `nsp doctor` says of an installation as a whole."""

from dataclasses import replace

import pytest

from tests.core.diagnosis.healthy import FACTS, NOT_FOUND, findings
from webhook.core import diagnosis
from webhook.core.diagnosis.model import Finding, Level, Reply


def test_of_a_good_one_everything_is_told_and_nothing_is_wrong() -> None:
    found = diagnosis.judge(FACTS)
    assert [finding for finding in found if finding.level != "ok"] == []
    assert [finding for finding in found if finding.remedy] == []
    assert list(dict.fromkeys(finding.check for finding in found)) == [
        "api-server",
        "clock",
        "catalogue",
        "deployments",
        "versions",
        "webhooks",
        "calls",
        "certificate",
        "policies",
        "rights",
        "lease",
        "neighbours",
    ]


def test_without_an_api_server_there_is_nothing_else_to_tell() -> None:
    gone = Reply(None, 0, "the API server cannot be reached: refused")
    assert diagnosis.judge(replace(FACTS, version=gone)) == [
        Finding(
            "api-server",
            "fail",
            "no version from the API server: the API server cannot be reached: refused",
            "look at the address in the kubeconfig, and whether kubectl version works with it",
        )
    ]


def test_everything_wrong_comes_with_a_way_out() -> None:
    empty = Reply({"items": []})
    bare = replace(
        FACTS,
        deployments=dict.fromkeys(FACTS.deployments, NOT_FOUND),
        mutating=empty,
        validating=empty,
        policies=empty,
        bindings=empty,
        secret=NOT_FOUND,
        lease=NOT_FOUND,
    )
    found = [finding for finding in diagnosis.judge(bare) if finding.level != "ok"]
    assert {finding.check for finding in found} == {
        "deployments",
        "webhooks",
        "certificate",
        "policies",
        "lease",
    }
    assert all(finding.remedy for finding in found)


@pytest.mark.parametrize(
    ("levels", "worst"),
    [
        pytest.param([], "ok", id="nothing"),
        pytest.param(["ok", "ok"], "ok", id="only good"),
        pytest.param(["ok", "warn", "ok"], "warn", id="something to be known"),
        pytest.param(["fail", "warn", "ok"], "fail", id="something wrong"),
    ],
)
def test_the_worst_decides(levels: list[Level], worst: Level) -> None:
    assert diagnosis.worst([Finding("x", level, "y") for level in levels]) == worst


@pytest.mark.parametrize(
    ("version", "told"),
    [
        pytest.param(
            {"major": "1", "minor": "30+", "gitVersion": "v1.30.1-eks"},
            ("ok", "the API server is v1.30.1-eks", ""),
            id="the oldest, in a provider's words",
        ),
        pytest.param(
            {"major": "1", "minor": "29", "gitVersion": "v1.29.9"},
            (
                "fail",
                "the API server is v1.29.9",
                "it has to be 1.30 or newer: older ones do not know our admission policies",
            ),
            id="too old",
        ),
        pytest.param(
            {"major": "2", "minor": "0", "gitVersion": "v2.0.0"},
            ("ok", "the API server is v2.0.0", ""),
            id="one to come",
        ),
    ],
)
def test_the_api_servers_version(version: dict[str, str], told: tuple[str, str, str]) -> None:
    assert findings("api-server", version=Reply(version)) == [told]
