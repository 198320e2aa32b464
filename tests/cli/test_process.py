"""The command as a process: what it imports, and how it starts and stops."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from webhook.adapters import pki

NSP = [sys.executable, "-m", "webhook"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("NSP_", "KUBECONFIG"))
}
HEAVY = {"kubernetes", "aiohttp", "requests", "rich"}


def _run(*arguments: object, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [NSP[0], *python, *NSP[1:], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=ENVIRONMENT)


def _imported(lines: Iterator[str] | list[str]) -> set[str]:
    """Top-level packages in the output of `-X importtime`."""
    names = (line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:"))
    return {name.partition(".")[0] for name in names}


def test_help_imports_next_to_nothing() -> None:
    ended = _run("--help", python=("-X", "importtime"))
    assert ended.returncode == 0
    assert not _imported(ended.stderr.splitlines()) & {
        *HEAVY,
        "starlette",
        "uvicorn",
        "yaml",
        "prometheus_client",
    }


def test_a_broken_catalogue_stops_serve_before_it_listens(tmp_path: Path) -> None:
    _, certificate, key = pki.make_pair(tmp_path, ["localhost"])
    file = tmp_path / "catalogue.yaml"
    file.write_text("- a\n- b\n")
    pair = ("--tls-cert", certificate, "--tls-key", key)
    ended = _run("serve", "--role", "admission", *pair, "--catalogue", file)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"nsp: the tier catalogue {file} has 1 problem:\n")
    assert "\n  (file): must be a mapping, not \"['a', 'b']\"\n" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_catalogue_of_brackets_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("[" * 100_000)
    ended = _run("webhooks", "--url", "https://x", "--ca-file", file, "--catalogue", file)
    assert (ended.returncode, ended.stdout) == (1, "")


class Serving:
    """The admission role alone, on free ports, until it is told to stop."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.addresses: dict[str, str] = {}
        while (entry := self._entry())["message"] != "started":
            self.addresses[entry["role"]] = entry["address"]

    def _entry(self) -> dict[str, Any]:
        """The next line of the log; what Python itself writes is kept aside."""
        stderr: IO[str] | None = self.process.stderr
        assert stderr is not None
        for line in stderr:
            self.lines.append(line)
            if line.startswith("{"):
                entry: dict[str, Any] = json.loads(line)
                return entry
        raise AssertionError("".join(line for line in self.lines if not line.startswith("import time:")))

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.addresses['health']}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def stop(self) -> list[str]:
        """The messages it leaves with."""
        self.process.send_signal(signal.SIGTERM)
        _, rest = self.process.communicate(timeout=30)
        self.lines += rest.splitlines()
        return [json.loads(line)["message"] for line in rest.splitlines() if line.startswith("{")]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    _, certificate, key = pki.make_pair(tmp_path, ["localhost"])
    listen = ("--admission-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0")
    pair = ("--tls-cert", str(certificate), "--tls-key", str(key))
    command = [NSP[0], "-X", "importtime", *NSP[1:], "serve", "--role", "admission", *pair, *listen]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT) as process:
        try:
            yield Serving(process)
        finally:
            process.kill()


def test_the_admission_role_serves_stops_and_imports_no_client(serving: Serving) -> None:
    assert set(serving.addresses) == {"admission", "health"}
    assert serving.get("/livez") == "ok\n"
    assert serving.stop() == ["stopping", "stopped"]
    assert serving.process.returncode == 0
    assert {"starlette", "uvicorn"} <= _imported(serving.lines)
    assert not _imported(serving.lines) & HEAVY
