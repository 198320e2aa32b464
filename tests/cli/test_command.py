"""Help, unknown verbs, and how errors look: one clear text, no traceback."""

from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli.conftest import Nsp
from webhook import __version__, settings
from webhook.cli.app import VERBS
from webhook.codec import catalogue
from webhook.core.errors import InvalidPolicyError, Problem


def test_help_names_every_verb(nsp: Nsp) -> None:
    code, out, err = nsp("--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: nsp [OPTIONS] COMMAND [ARGS]...")
    words = " ".join(out.split())
    for verb, text in VERBS.items():
        assert f" {verb} {text}" in words


def test_version(nsp: Nsp) -> None:
    assert nsp("--version") == (0, f"nsp, version {__version__}\n", "")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(nsp: Nsp, verb: str) -> None:
    code, out, _ = nsp(verb, "-h")
    assert code == 0
    assert out.startswith(f"Usage: nsp {verb} ")


def test_help_of_serve_names_every_setting_with_its_variable(nsp: Nsp) -> None:
    text = " ".join(nsp("serve", "--help").out.split())
    for setting in settings.SERVE:
        assert f"{setting.flag} TEXT {setting.help} [variable: {setting.environment}]" in text
        assert setting.default is None or f"[default: {setting.default}]" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["sevre"], "Error: No such command 'sevre'.", id="an unknown verb"),
        pytest.param(["serve", "--rolle", "api"], "Error: No such option '--rolle'.", id="an unknown flag"),
        pytest.param(["certs", "make"], "Error: Missing option '--dir'.", id="a missing flag"),
        pytest.param(["webhooks"], "Error: Missing option '--url'.", id="another missing flag"),
    ],
)
def test_wrong_usage(nsp: Nsp, arguments: list[str], message: str) -> None:
    code, out, err = nsp(*arguments)
    assert (code, out) == (2, "")
    assert message.rstrip(".") in err
    assert "Traceback" not in err


def test_serve_without_a_certificate(nsp: Nsp) -> None:
    assert nsp("serve") == (
        1,
        "",
        "nsp: --tls-cert is missing: the admission role serves HTTPS; make a pair with `nsp certs make`\n",
    )


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        pytest.param(
            "role", "web", '--role: "web" is not a role; allowed: admission, controller, api', id="role"
        ),
        pytest.param(
            "health-listen",
            "here",
            '--health-listen: "here" is not HOST:PORT, for instance 127.0.0.1:8443',
            id="address",
        ),
    ],
)
def test_serve_with_a_bad_value(nsp: Nsp, flag: str, value: str, message: str) -> None:
    pair = ("--tls-cert", "a", "--tls-key", "b", "--api-tokens", "c")
    assert nsp("serve", *pair, f"--{flag}", value) == (1, "", f"nsp: {message}\n")


def test_a_broken_catalogue_is_shown_with_all_its_problems(nsp: Nsp, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("apiVersion: v1\nkind: TierCatalogue\npolicy: 1\ntiers: {s: 2}\nextra: 3\n")
    code, out, err = nsp("webhooks", "--url", "https://x", "--ca-file", file, "--catalogue", file)
    first, *problems = err.splitlines()
    assert (code, out) == (1, "")
    assert first == f"nsp: the tier catalogue {file} has {len(problems)} problems:"
    assert {line.split(":")[0] for line in problems} >= {"  apiVersion", "  policy", "  tiers.s", "  extra"}


def test_one_problem_is_one_problem(nsp: Nsp, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.touch()
    missing = tmp_path / "nowhere.yaml"
    assert nsp("webhooks", "--url", "https://x", "--ca-file", ca, "--catalogue", missing) == (
        1,
        "",
        f"nsp: the tier catalogue {missing} has 1 problem:\n"
        "  (file): cannot be read: No such file or directory\n",
    )


def test_the_built_in_catalogue_has_no_path(
    nsp: Nsp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = tmp_path / "ca.crt"
    ca.touch()

    def refuse(_: str) -> NoReturn:
        raise InvalidPolicyError([Problem("tiers", "is missing")])

    monkeypatch.setattr(catalogue, "parse", refuse)
    code, out, err = nsp("webhooks", "--url", "https://x", "--ca-file", ca)
    assert (code, out, err) == (1, "", "nsp: the tier catalogue has 1 problem:\n  tiers: is missing\n")
