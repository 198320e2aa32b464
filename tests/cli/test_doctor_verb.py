"""`nsp doctor`: what it prints, and how it ends."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Nsp
from tests.core.diagnosis.healthy import FACTS, FORBIDDEN, NOT_FOUND
from webhook.cli import doctor
from webhook.core import diagnosis
from webhook.core.diagnosis.model import Facts, Reply


def gathered(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The cluster is replaced by facts; what is asked of it, tests/e2e/test_doctor.py tells."""

    async def facts(*_: object) -> Facts:
        return replace(FACTS, **changes)

    monkeypatch.setattr(doctor, "_gather", facts)


@pytest.mark.parametrize(
    ("changes", "code", "last"),
    [
        pytest.param({}, 0, "22 ok, 0 warn, 0 fail", id="all is well"),
        pytest.param({"secret": FORBIDDEN}, 0, "22 ok, 1 warn, 0 fail", id="something is to be known"),
        pytest.param({"lease": NOT_FOUND}, 1, "21 ok, 0 warn, 1 fail", id="something is wrong"),
    ],
)
def test_the_end(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Reply], code: int, last: str
) -> None:
    gathered(monkeypatch, **changes)
    ended = nsp("doctor")
    assert (ended.code, ended.err) == (code, "")
    assert ended.out.splitlines()[-1] == last


def test_every_finding_is_a_line_with_its_remedy_on_the_next(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered(monkeypatch, lease=NOT_FOUND, server_now=None)
    lines = nsp("doctor").out.splitlines()
    assert lines[:3] == [
        "[ok]   api-server: the API server is v1.36.4",
        "[warn] clock: the API server's answers bear no Date",
        "       -> compare the clocks by hand",
    ]
    assert lines[-4:-2] == [
        "[fail] lease: there is no Lease ns-provisioner-controller in namespace ns-provisioner: "
        "nobody has ever led",
        "       -> start a controller there (--lease-namespace says where it leads)",
    ]


def test_json_has_all_of_it(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(monkeypatch, lease=NOT_FOUND)
    told = json.loads(nsp("doctor", "--output", "json").out)
    assert told["worst"] == "fail"
    assert told["findings"][0] == {
        "check": "api-server",
        "level": "ok",
        "what": "the API server is v1.36.4",
        "remedy": "",
    }
    assert [each["check"] for each in told["findings"] if each["level"] == "fail"] == ["lease"]


def test_a_kubeconfig_that_is_not_there(nsp: Nsp, tmp_path: Path) -> None:
    code, out, err = nsp("doctor", "--kubeconfig", tmp_path / "none")
    assert (code, out) == (1, "")
    assert err.startswith(f"nsp: cannot use kubeconfig {tmp_path / 'none'}: no such file")


def test_an_output_that_there_is_not(nsp: Nsp) -> None:
    assert nsp("doctor", "--output", "xml").code == 2


def test_the_page_names_every_check_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    named = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert named == list(dict.fromkeys(each.check for each in diagnosis.judge(FACTS)))
