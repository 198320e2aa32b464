"""Flag before variable before default; every bad value one clear message."""

from pathlib import Path

import pytest

from webhook import settings
from webhook.settings import Address, Settings, SettingsError

FLAGS: dict[str, str | None] = {"tls-cert": "tls.crt", "tls-key": "tls.key", "api-tokens": "tokens"}
"""What all three roles need; nothing else is required."""


def load(environment: dict[str, str] | None = None, **changes: str | None) -> Settings:
    """Settings of complete flags, with changes (None takes a flag away)."""
    flags = {name.replace("_", "-"): value for name, value in changes.items()}
    return settings.load({**FLAGS, **flags}, environment or {})


def test_the_defaults() -> None:
    assert load() == Settings(
        roles=frozenset({"admission", "controller", "api"}),
        catalogue=None,
        admission_listen=Address("127.0.0.1", 8443),
        tls_cert=Path("tls.crt"),
        tls_key=Path("tls.key"),
        admission_client_ca=None,
        admission_client_subjects=frozenset(),
        drain_quiet=8,
        drain_grace=25,
        log_allowed_every=100,
        api_listen=Address("127.0.0.1", 8080),
        api_tokens=Path("tokens"),
        health_listen=Address("127.0.0.1", 8081),
        lease_namespace=None,
        kubeconfig=None,
    )


@pytest.mark.parametrize(
    ("flag", "variable", "role"),
    [
        pytest.param("api", "admission", "api", id="the flag wins over the variable"),
        pytest.param(None, "admission", "admission", id="the variable wins over the default"),
    ],
)
def test_precedence(flag: str | None, variable: str, role: str) -> None:
    assert load({"NSP_ROLE": variable}, role=flag).roles == {role}


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("NSP_CATALOGUE", "catalogue"),
        ("NSP_TLS_CERT", "tls_cert"),
        ("NSP_TLS_KEY", "tls_key"),
        ("NSP_ADMISSION_CLIENT_CA", "admission_client_ca"),
        ("NSP_API_TOKENS", "api_tokens"),
        ("KUBECONFIG", "kubeconfig"),
    ],
)
def test_every_path_has_a_variable(variable: str, field: str) -> None:
    assert getattr(load({variable: "/x/y"}, **{field: None}), field) == Path("/x/y")


@pytest.mark.parametrize("name", ["admission", "api", "health"])
def test_every_address_has_a_variable(name: str) -> None:
    loaded = load({f"NSP_{name.upper()}_LISTEN": "10.0.0.1:99"})
    assert getattr(loaded, f"{name}_listen") == Address("10.0.0.1", 99)


def test_the_namespace_of_the_lease_has_a_variable() -> None:
    assert load({"NSP_LEASE_NAMESPACE": "ns-provisioner"}).lease_namespace == "ns-provisioner"


@pytest.mark.parametrize("text", ["", "a/b", "..", "Team", "-a", "a-", "a\n", "é", "a" * 64])
def test_a_namespace_that_is_none(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--lease-namespace: .* is not the name of a namespace$"):
        load(lease_namespace=text)


def test_an_empty_variable_is_none() -> None:
    assert load({"NSP_CATALOGUE": "", "NSP_API_LISTEN": ""}) == load()


def test_roles_are_separated_by_commas() -> None:
    assert load(role="admission, api,").roles == {"admission", "api"}


@pytest.mark.parametrize(
    ("role", "needed"),
    [
        pytest.param("controller", set[str](), id="the controller needs neither"),
        pytest.param("api", {"api-tokens"}, id="the api needs tokens"),
        pytest.param("admission", {"tls-cert", "tls-key"}, id="admission needs a pair"),
    ],
)
def test_each_role_asks_only_for_what_it_needs(role: str, needed: set[str]) -> None:
    flags = {name: value for name, value in FLAGS.items() if name in needed}
    assert settings.load({"role": role, **flags}, {}).roles == {role}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("127.0.0.1:80", Address("127.0.0.1", 80), id="an IPv4 address"),
        pytest.param("[::1]:80", Address("::1", 80), id="an IPv6 address"),
        pytest.param("localhost:0", Address("localhost", 0), id="a name, and any free port"),
        pytest.param(":8443", Address("0.0.0.0", 8443), id="no host is every interface"),
        pytest.param("h:65535", Address("h", 65535), id="the highest port"),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert load(api_listen=text).api_listen == address


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80"])
def test_an_address_is_shown_as_it_is_written(text: str) -> None:
    assert str(load(api_listen=text).api_listen) == text


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        pytest.param(
            "role",
            "admission,web",
            '--role: "web" is not a role; allowed: admission, controller, api',
            id="an unknown role",
        ),
        pytest.param("role", " , ", "--role: name at least one of admission, controller, api", id="no role"),
        pytest.param(
            "tls-cert",
            None,
            "--tls-cert is missing: the admission role serves HTTPS; make a pair with `nsp certs make`",
            id="no certificate",
        ),
        pytest.param(
            "tls-key",
            None,
            "--tls-key is missing: the admission role serves HTTPS; make a pair with `nsp certs make`",
            id="no key",
        ),
        pytest.param(
            "admission-client-subjects",
            "kube-apiserver",
            "--admission-client-ca is missing: without it nobody's certificate is looked at",
            id="subjects without an authority",
        ),
        pytest.param(
            "api-tokens",
            None,
            "--api-tokens is missing: the api role answers nobody without one",
            id="no tokens",
        ),
    ],
)
def test_a_setting_that_makes_no_sense(flag: str, value: str | None, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({**FLAGS, flag: value}, {})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        pytest.param(None, set[str](), id="any"),
        pytest.param("a", {"a"}, id="one"),
        pytest.param(" a , b.example,", {"a", "b.example"}, id="several"),
    ],
)
def test_the_names_that_callers_may_bear(text: str | None, subjects: set[str]) -> None:
    loaded = load(admission_client_ca="ca.crt", admission_client_subjects=text)
    assert loaded.admission_client_subjects == subjects


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_a_list_of_callers_that_names_none_does_not_mean_all(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--admission-client-subjects: name at least one"):
        load(admission_client_ca="ca.crt", admission_client_subjects=text)


NUMBERS = ["drain-quiet", "drain-grace", "log-allowed-every"]


@pytest.mark.parametrize("flag", NUMBERS)
def test_every_number_has_a_variable(flag: str) -> None:
    field = flag.replace("-", "_")
    for text, number in (("0", 0), ("7", 7), ("999999", 999_999)):
        assert getattr(load({f"NSP_{field.upper()}": text}), field) == number


@pytest.mark.parametrize("flag", NUMBERS)
@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "1_000", " 1", "1\n", "٣", "1s", "9" * 5000, "inf"])
def test_a_number_that_is_none(flag: str, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({**FLAGS, flag: text}, {})
    assert str(refused.value).startswith(f"--{flag}: ")
    assert str(refused.value).endswith(" is not a whole number from 0 to 999999")


@pytest.mark.parametrize("flag", ["admission-listen", "api-listen", "health-listen"])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("localhost", '"localhost"', id="no port"),
        pytest.param("localhost:", '"localhost:"', id="an empty port"),
        pytest.param("localhost:http", '"localhost:http"', id="a port by name"),
        pytest.param("localhost:-1", '"localhost:-1"', id="a negative port"),
        pytest.param("localhost:65536", '"localhost:65536"', id="a port too high"),
        pytest.param("localhost:8 0", '"localhost:8 0"', id="a space in the port"),
        pytest.param("localhost:80\n", '"localhost:80\\n"', id="a newline behind"),
        pytest.param("localhost:٨٠", '"localhost:\\u0668\\u0660"', id="Arabic digits"),
        pytest.param("http://localhost:80/", '"http://localhost:80/"', id="a URL"),
    ],
)
def test_an_address_that_is_none(flag: str, text: str, shown: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({**FLAGS, flag: text}, {})
    assert str(refused.value) == f"--{flag}: {shown} is not HOST:PORT, for instance 127.0.0.1:8443"


def test_a_port_alone_is_no_address() -> None:
    with pytest.raises(SettingsError):
        load(api_listen="8080")


def test_a_port_of_five_thousand_digits() -> None:
    with pytest.raises(SettingsError):
        load(api_listen="localhost:" + "9" * 5000)


def test_names_are_unique_and_every_setting_explains_itself() -> None:
    assert len({setting.environment for setting in settings.SERVE}) == len(settings.SERVE)
    assert all(setting.help.endswith(".") for setting in settings.SERVE)
