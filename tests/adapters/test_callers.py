"""Who may call the admission pair, if that is limited: by authority, and by name."""

import contextlib
import ssl
from pathlib import Path

import pytest

from tests.adapters.authority import CLIENT, NOW, SERVER, Issued
from webhook.adapters import tls
from webhook.adapters.certificate import ServingCertificate
from webhook.adapters.tls import CertificateError

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
EACH_VERSION = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)

ROOT, OTHER_ROOT = Issued.root("callers"), Issued.root("others")
SERVERS = Issued.root("servers")


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """The file that names the authority of the callers."""
    return ROOT.write(tmp_path)[0]


@pytest.fixture
def serving(tmp_path: Path, ca: Path) -> ServingCertificate:
    return ServingCertificate(*SERVERS.issue("localhost").write(tmp_path), ca)


def caller(folder: Path, shown: Issued | None, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=SERVERS.write(folder)[0])
    context.minimum_version = context.maximum_version = version
    if shown is not None:
        context.load_cert_chain(*shown.write(folder))
    return context


def meet(
    server: ssl.SSLContext, client: ssl.SSLContext, *, host: str = "localhost", session: object = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A handshake in memory and a byte each way; raises the SSLError of whoever gives up."""
    upstream, downstream = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(downstream, upstream, server_hostname=host, session=session)  # type: ignore[arg-type]
    answering = server.wrap_bio(upstream, downstream, server_side=True)
    for _ in range(4):  # more flights than any version of TLS has
        for end in (asking, answering):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    answering.write(b"x")
    assert asking.read(1) == b"x"
    return asking, answering


@EACH_VERSION
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["by name", "by address"])
def test_a_caller_of_the_authority_gets_through(
    serving: ServingCertificate, tmp_path: Path, version: ssl.TLSVersion, host: str
) -> None:
    client = caller(tmp_path, ROOT.issue("kube-apiserver", uses=[CLIENT]), version)
    client.check_hostname = False
    _, answering = meet(serving.context(), client, host=host)
    assert answering.version() == version.name.replace("v1_", "v1.")
    assert tls.admits(frozenset())(answering)
    assert tls.admits(frozenset({"kube-apiserver"}))(answering)


@EACH_VERSION
@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(None, id="no certificate"),
        pytest.param(OTHER_ROOT.issue("kube-apiserver", uses=[CLIENT]), id="another authority"),
        pytest.param(Issued.root("kube-apiserver", ca=False), id="no authority"),
        pytest.param(SERVERS.issue("kube-apiserver"), id="the authority of the servers"),
        pytest.param(ROOT.issue("kube-apiserver", days=(-20, -10)), id="expired"),
        pytest.param(ROOT.issue("kube-apiserver", days=(10, 20)), id="not valid yet"),
        pytest.param(ROOT.issue("kube-apiserver", uses=[SERVER]), id="for servers only"),
    ],
)
def test_anybody_else_fails_in_the_handshake(
    serving: ServingCertificate, tmp_path: Path, version: ssl.TLSVersion, shown: Issued | None
) -> None:
    with pytest.raises(ssl.SSLError):
        meet(serving.context(), caller(tmp_path, shown, version))


@pytest.mark.parametrize(
    ("shown", "subjects", "admitted"),
    [
        pytest.param(ROOT.issue("a", hosts=()), {"a"}, True, id="the common name"),
        pytest.param(ROOT.issue("a", hosts=("b.example",)), {"x", "b.example"}, True, id="a DNS name"),
        pytest.param(ROOT.issue("a", hosts=("b",)), set[str](), True, id="any"),
        pytest.param(ROOT.issue("a", hosts=("b",)), {"c"}, False, id="neither"),
        pytest.param(ROOT.issue("a", hosts=("b",)), {"A"}, False, id="another case"),
        pytest.param(ROOT.issue("aa", hosts=("*",)), {"a"}, False, id="only the beginning, and any"),
        pytest.param(ROOT.issue("", hosts=()), {"a"}, False, id="no name at all"),
    ],
)
def test_the_names_a_caller_may_bear(
    serving: ServingCertificate, tmp_path: Path, shown: Issued, subjects: set[str], admitted: bool
) -> None:
    _, answering = meet(serving.context(), caller(tmp_path, shown, ssl.TLSVersion.TLSv1_3))
    assert tls.admits(frozenset(subjects))(answering) is admitted


@EACH_VERSION
def test_no_session_is_ever_resumed(
    serving: ServingCertificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    client = caller(tmp_path, ROOT.issue("kube-apiserver"), version)
    first, _ = meet(serving.context(), client)
    second, answering = meet(serving.context(), client, session=first.session)
    assert (second.session_reused, answering.session_reused) == (False, False)
    context = tls.server_context(*SERVERS.issue("localhost").write(tmp_path))
    without, _ = meet(context, client)
    again, _ = meet(context, client, session=without.session)
    assert again.session_reused, "the client would have liked to"


@EACH_VERSION
def test_the_authority_follows_its_file(
    serving: ServingCertificate, ca: Path, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    before = caller(tmp_path, ROOT.issue("old"), version)
    after = caller(tmp_path, OTHER_ROOT.issue("new"), version)
    meet(serving.context(), before)
    ca.write_bytes(OTHER_ROOT.write(tmp_path)[0].read_bytes())
    assert serving.reload(NOW)
    meet(serving.context(), after)
    with pytest.raises(ssl.SSLError):
        meet(serving.context(), before)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_an_authority_that_is_none_changes_nothing(
    serving: ServingCertificate, ca: Path, tmp_path: Path, content: bytes
) -> None:
    ca.write_bytes(content)
    with pytest.raises(CertificateError, match=f"^client CA {ca} cannot be used: "):
        serving.reload(NOW)
    meet(serving.context(), caller(tmp_path, ROOT.issue("kube-apiserver"), ssl.TLSVersion.TLSv1_3))


def test_an_authority_that_is_not_there_is_known_at_once(tmp_path: Path) -> None:
    pair = SERVERS.issue("localhost").write(tmp_path)
    with pytest.raises(CertificateError, match="No such file"):
        ServingCertificate(*pair, tmp_path / "nowhere")
