"""The workflow files pass their linters, and the linters would find what they are for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.conftest import ROOT
from tools.image import workflows
from tools.image.errors import ImageError

RELEASE = ROOT / ".github" / "workflows" / "release.yaml"
GOOD = """\
name: good

on:
  push:
    branches: [main]

permissions: {}

concurrency:
  group: good
  cancel-in-progress: false

jobs:
  only:
    name: Only
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read # to check out
    steps:
      - name: Check out
        uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - name: Say something
        run: echo something
"""


def _jobs() -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(RELEASE.read_text())["jobs"]
    return jobs


def test_every_workflow_file_is_in_order() -> None:
    workflows.check(workflows.files(ROOT))


def test_a_good_file_passes(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    workflows.check([tmp_path / "good.yaml"])


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        pytest.param(
            "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "write OWNER/NAME@COMMIT", id="tag"
        ),
        pytest.param(" # v6.0.2", "", "write OWNER/NAME@COMMIT # vX.Y.Z", id="commit without its version"),
        pytest.param("  push:\n", "  pull_request_target:\n", "event pull_request_target", id="foreign code"),
        pytest.param("permissions: {}", "permissions: write-all", "permissions: must be {}", id="all rights"),
        pytest.param("    timeout-minutes: 5\n", "", "jobs.only: timeout-minutes is missing", id="no limit"),
        pytest.param(
            "concurrency:\n  group: good\n  cancel-in-progress: false\n",
            "",
            "concurrency: say",
            id="two at once",
        ),
        # What zizmor finds.
        pytest.param(
            "echo something", "echo ${{ github.event.head_commit.message }}", "injection", id="injection"
        ),
        pytest.param(
            "          persist-credentials: false\n", "          fetch-depth: 1\n", "artipacked", id="token"
        ),
        # What actionlint finds.
        pytest.param(
            "    runs-on: ubuntu-24.04\n",
            "    needs: nobody\n    runs-on: ubuntu-24.04\n",
            "nobody",
            id="needs",
        ),
        pytest.param(
            "echo something", "echo ${{ needs.x.outputs.y }}", 'property "x" is not defined', id="output"
        ),
        pytest.param("  push:\n", "  pusch:\n", "unknown Webhook event", id="event"),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert was in GOOD
    (tmp_path / "bad.yaml").write_text(GOOD.replace(was, becomes))
    with pytest.raises(ImageError, match=re.escape(told)):
        workflows.check([tmp_path / "bad.yaml"])


def test_no_files_at_all_is_an_error() -> None:
    with pytest.raises(ImageError, match="no workflow files"):
        workflows.check([])


def test_an_action_has_one_pin_in_all_files() -> None:
    pins = {pin for path in workflows.files(ROOT) for pin in workflows.uses(path.read_text())}
    names = [pin.partition("@")[0] for pin in pins]
    assert sorted(names) == sorted(set(names))


def test_only_few_and_well_known_actions_are_trusted() -> None:
    pins = {pin for path in workflows.files(ROOT) for pin in workflows.uses(path.read_text())}
    assert {pin.partition("/")[0] for pin in pins} == {"actions", "sigstore"}


def test_what_may_write_installs_no_package_and_runs_no_test() -> None:
    for name, job in _jobs().items():
        script = "\n".join(step.get("run", step.get("uses", "")) for step in job["steps"])
        if "write" in job["permissions"].values():
            assert not re.search(r"\b(make|pip|pytest|python3?|setup-python|setup-go|\.ci/run)\b", script), (
                name
            )


def test_only_the_job_that_signs_can_sign_and_only_the_last_can_publish() -> None:
    may = {
        name: {right for right, how in job["permissions"].items() if how == "write"}
        for name, job in _jobs().items()
    }
    assert {name: rights for name, rights in may.items() if rights} == {
        "image": {"packages"},
        "index": {"packages"},
        "sign": {"packages", "id-token", "attestations"},
        "publish": {"contents"},
    }


@pytest.mark.parametrize(
    ("earlier", "later"), [("test", "image"), ("image", "index"), ("sign", "verify"), ("verify", "publish")]
)
def test_nothing_is_pushed_untested_or_published_unverified(earlier: str, later: str) -> None:
    assert earlier in _jobs()[later]["needs"]
