"""Static tokens: the file, and who a token belongs to."""

import hashlib
from pathlib import Path

import pytest

from webhook.adapters.tokens import StaticTokens, TokenFileError
from webhook.core.model import Caller


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


JANE = f"sha256:{digest('jane-token')} jane"


def _load(tmp_path: Path, text: str | bytes) -> StaticTokens:
    file = tmp_path / "tokens"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return StaticTokens.load(file)


@pytest.mark.parametrize(
    ("line", "caller"),
    [
        pytest.param(JANE, Caller("jane"), id="a subject"),
        pytest.param(f"{JANE} dev,ops", Caller("jane", ("dev", "ops")), id="a subject and groups"),
        pytest.param(f"  {JANE}\t dev \r", Caller("jane", ("dev",)), id="white space around"),
        pytest.param(f"# jane's\n\n{JANE}", Caller("jane"), id="a comment and an empty line before"),
        pytest.param(
            f"sha256:{digest('jane-token')} system:serviceaccount:ci:robot",
            Caller("system:serviceaccount:ci:robot"),
            id="a subject with colons",
        ),
    ],
)
def test_a_known_token(tmp_path: Path, line: str, caller: Caller) -> None:
    assert _load(tmp_path, line + "\n").verify("jane-token") == caller


@pytest.mark.parametrize(
    "token",
    [
        "",
        "jane",
        "jane-token ",
        "JANE-TOKEN",
        "jane-toke",
        digest("jane-token"),
        f"sha256:{digest('x')}",
        "\ud800",
        "é",
    ],
)
def test_an_unknown_token(tmp_path: Path, token: str) -> None:
    assert _load(tmp_path, JANE).verify(token) is None


def test_every_line_counts(tmp_path: Path) -> None:
    tokens = _load(tmp_path, f"{JANE}\nsha256:{digest('bob-token')} bob dev\n")
    assert tokens.verify("jane-token") == Caller("jane")
    assert tokens.verify("bob-token") == Caller("bob", ("dev",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("jane-token jane", "line 1", id="a token that is not hashed"),
        pytest.param(f"{JANE}\nsha256:abc bob", "line 2", id="a digest that is too short"),
        pytest.param(f"md5:{digest('x')} jane", "line 1", id="another hash"),
        pytest.param(f"sha256:{digest('x')}", "line 1", id="no subject"),
        pytest.param(f"{JANE} dev ops", "line 1", id="groups separated by spaces"),
        pytest.param(f"sha256:{digest('x')[:-1]}g jane", "line 1", id="a letter that is no digit"),
    ],
)
def test_a_line_that_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(TokenFileError) as refused:
        _load(tmp_path, text)
    assert str(refused.value) == (
        f"token file {tmp_path / 'tokens'}, {reason}: must be `sha256:<64 hex digits> <subject> [groups]`"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", ": names no token", id="empty"),
        pytest.param(b"# nobody\n\n", ": names no token", id="only comments"),
        pytest.param(b"\xff\xfe", ": not UTF-8 text", id="binary"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(TokenFileError) as refused:
        _load(tmp_path, content)
    assert str(refused.value) == f"token file {tmp_path / 'tokens'}{reason}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match=r"nowhere: No such file or directory$"):
        StaticTokens.load(tmp_path / "nowhere")


def test_an_error_never_shows_what_the_line_holds(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError) as refused:
        _load(tmp_path, "hunter2 jane")
    assert "hunter2" not in str(refused.value)


def test_a_comment_may_be_indented(tmp_path: Path) -> None:
    assert _load(tmp_path, f"  # jane's\n{JANE}").verify("jane-token")


@pytest.mark.parametrize("groups", [",", "dev,", ",dev", "a,,b"])
def test_no_group_is_empty(tmp_path: Path, groups: str) -> None:
    with pytest.raises(TokenFileError):
        _load(tmp_path, f"{JANE} {groups}")


def test_a_token_belongs_to_one_caller(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError):
        _load(tmp_path, f"{JANE}\nsha256:{digest('jane-token')} admin system:masters\n")
