"""The release's shell steps, run for real with a stand-in for the programs that reach a registry."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.conftest import ROOT

JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yaml").read_text())["jobs"]
DIGEST = "sha256:" + "0123456789abcdef" * 4
BASE = "docker.io/library/python:3.11-slim-bookworm"
STAND_IN = """\
#!/usr/bin/env python3
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
if "--metadata-file" in sys.argv:
    with open(sys.argv[sys.argv.index("--metadata-file") + 1], "w") as file:
        json.dump({"containerimage.digest": os.environ["SAYS"]}, file)
if "inspect" in sys.argv:
    print(os.environ["SAYS"])
if "push" in sys.argv:
    print("Pushed: x", "Digest: " + os.environ["SAYS"], sep="\\n", file=sys.stderr)
"""


class Runner:
    """One job's folder: steps run in it as the forge would, `calls` are what they asked the stand-ins."""

    def __init__(self, folder: Path, says: str) -> None:
        self.folder = folder
        self.says = says
        (folder / "bin").mkdir()
        for name in ("docker", "cosign", "gh", "helm"):
            (folder / "bin" / name).write_text(STAND_IN)
            (folder / "bin" / name).chmod(0o755)
        shutil.copy(ROOT / "Dockerfile", folder)

    def run(self, job: str, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        [script] = [each["run"] for each in JOBS[job]["steps"] if each["name"].startswith(step)]
        variables = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(self.folder / "calls"),
            "SAYS": self.says,
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_SERVER_URL": "https://git.example.com",
            "GITHUB_REPOSITORY": "Someone/ns-provisioner",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_REF_NAME": "v1.2.3",
        }
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            bash, cwd=self.folder, env=variables | environment, capture_output=True, text=True, check=False
        )

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, DIGEST)


def test_the_base_is_resolved_to_its_digest(runner: Runner) -> None:
    assert runner.run("plan", "The base image").returncode == 0
    assert runner.calls[0][:5] == ["docker", "buildx", "imagetools", "inspect", BASE]
    assert runner.output == f"base={BASE}@{DIGEST}\n"


@pytest.mark.parametrize("said", ["", "<no value>", "sha256:abc", f"{DIGEST} {DIGEST}", DIGEST.upper()])
def test_a_base_without_a_digest_stops_the_release(tmp_path: Path, said: str) -> None:
    runner = Runner(tmp_path, said)
    ended = runner.run("plan", "The base image")
    assert ended.returncode == 1
    assert f"::error::{BASE} has no digest" in ended.stdout
    assert not (tmp_path / "output").exists()


def test_the_image_is_built_from_the_base_by_digest_and_pushed_without_a_tag(runner: Runner) -> None:
    assert JOBS["image"]["steps"][2]["env"]["BASE"] == "${{ needs.plan.outputs.base }}"
    environment = {"BASE": f"{BASE}@{DIGEST}", "VERSION": "1.2.3", "CREATED": "2026-01-02T03:04:05Z"}
    environment |= {"ARCH": "arm64", "IMAGE": "ghcr.io/someone/ns-provisioner", "SOURCE_DATE_EPOCH": "1"}
    ended = runner.run("image", "Build and push", **environment)
    assert ended.returncode == 0, ended.stderr
    build = runner.calls[-1]
    arguments = [build[at + 1] for at, word in enumerate(build) if word == "--build-arg"]
    assert arguments == [
        f"BASE={BASE}@{DIGEST}",
        "VERSION=1.2.3",
        f"REVISION={'f' * 40}",
        "SOURCE=https://git.example.com/Someone/ns-provisioner",
        "CREATED=2026-01-02T03:04:05Z",
        "SOURCE_DATE_EPOCH=1",
    ]
    assert build[build.index("--platform") + 1] == "linux/arm64"
    assert build[build.index("--provenance") + 1] == "mode=max"
    assert "push-by-digest=true" in build[build.index("--output") + 1]
    assert not {"--tag", "-t"} & set(build)
    assert (runner.folder / "digest-arm64").read_text() == f"{DIGEST}\n"


def test_every_build_argument_is_one_of_the_dockerfile() -> None:
    script = JOBS["image"]["steps"][2]["run"]
    declared = {line.split()[1].partition("=")[0] for line in _lines("ARG ")}
    passed = {part.partition("=")[0] for part in script.split('--build-arg "')[1:]}
    assert passed == declared


def test_both_platforms_become_one_image(runner: Runner) -> None:
    for arch, digit in (("amd64", "a"), ("arm64", "b")):
        (runner.folder / f"digest-{arch}").write_text(f"sha256:{digit * 64}\n")
    ended = runner.run("index", "Join and tag", IMAGE="ghcr.io/o/r", VERSION="1.2.3")
    assert ended.returncode == 0, ended.stderr
    sources = [f"ghcr.io/o/r@sha256:{digit * 64}" for digit in "ab"]
    assert runner.calls[0] == [
        "docker",
        "buildx",
        "imagetools",
        "create",
        "--tag",
        "ghcr.io/o/r:1.2.3",
        *sources,
    ]
    assert runner.output == f"digest={DIGEST}\n"


def test_the_chart_is_pushed_and_both_are_signed_by_digest(runner: Runner) -> None:
    environment = {"VERSION": "1.2.3", "CHARTS": "ghcr.io/o/charts", "IMAGE": "ghcr.io/o/r", "DIGEST": DIGEST}
    assert runner.run("sign", "Push the chart", **environment).returncode == 0
    assert runner.output == f"digest={DIGEST}\n"
    assert runner.run("sign", "Sign", CHART_DIGEST=DIGEST, **environment).returncode == 0
    signed = [call[-1] for call in runner.calls if call[:2] == ["cosign", "sign"]]
    assert signed == [f"ghcr.io/o/r@{DIGEST}", f"ghcr.io/o/charts/ns-provisioner@{DIGEST}"]


def test_a_chart_without_a_digest_is_not_signed(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "")
    assert runner.run("sign", "Push the chart", VERSION="1.2.3", CHARTS="ghcr.io/o/charts").returncode == 1


def test_what_is_verified_is_what_the_page_tells_people_to_verify() -> None:
    [verify] = [each["run"] for each in JOBS["verify"]["steps"] if each["name"] == "Verify"]
    page = (ROOT / "docs" / "image.md").read_text()
    assert verify in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_verification_looks_at_image_chart_bill_of_materials_and_files(runner: Runner) -> None:
    named = {"REPOSITORY": "o/r", "VERSION": "1.2.3", "IMAGE": "ghcr.io/o/r", "CHART": "ghcr.io/o/charts/c"}
    (runner.folder / "SHA256SUMS").write_text("")
    runner.run("verify", "Verify", **named)
    by = "https://github.com/o/r/.github/workflows/release.yaml@refs/tags/v1.2.3"
    assert all(by in call for call in runner.calls)
    subjects = [next(word for word in call if word.endswith((":1.2.3", "SUMS"))) for call in runner.calls]
    image, chart = "ghcr.io/o/r:1.2.3", "ghcr.io/o/charts/c:1.2.3"
    assert subjects == [image, chart, f"oci://{image}", f"oci://{image}", f"oci://{chart}", "SHA256SUMS"]


@pytest.mark.parametrize(("version", "prerelease"), [("1.2.3", False), ("1.2.3-rc.1", True)])
def test_a_candidate_is_published_as_one(runner: Runner, version: str, prerelease: bool) -> None:
    (runner.folder / "materials").mkdir()
    (runner.folder / "materials" / "SHA256SUMS").write_text("")
    ended = runner.run("publish", "Publish", VERSION=version, IMAGE="i", CHART="c", BASE="b")
    assert ended.returncode == 0, ended.stderr
    [call] = runner.calls
    assert ("--prerelease" in call) is prerelease
    assert call[-1] == "materials/SHA256SUMS"


def _lines(start: str) -> list[str]:
    return [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith(start)]
