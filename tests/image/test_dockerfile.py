"""The Dockerfile keeps its rules, and its reader refuses what it does not know."""

import re

import pytest

from tests.image.conftest import ROOT
from tools.image import dockerfile, dockerignore
from tools.image.errors import ImageError

READ = dockerfile.parse((ROOT / "Dockerfile").read_text())
BUILD, FINAL = READ.stages
RUNS = [each.rest for stage in READ.stages for each in stage.of("RUN")]
INSTALLS = [
    part for run in RUNS for part in run.split(" && ") if re.search(r"pip (--python \S+ )?install", part)
]


def test_both_stages_start_from_the_one_base_that_a_release_passes() -> None:
    assert [stage.base for stage in READ.stages] == ["${BASE}", "${BASE}"]
    [base] = READ.arguments
    name, _, tag = base.rest.removeprefix("BASE=").rpartition(":")
    assert name.startswith("docker.io/library/")  # with its registry: nobody's mirror by accident
    assert re.fullmatch(r"3\.\d+-slim-\w+", tag)  # never latest, and a release of Debian


def test_the_user_is_a_number_that_is_not_root_and_the_last_word_on_it() -> None:
    [user] = FINAL.of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.rest)
    assert FINAL.instructions.index(user) > max(map(FINAL.instructions.index, FINAL.of("RUN")))


def test_no_shell_is_needed_to_start_it() -> None:
    assert [each.form() for each in FINAL.of("ENTRYPOINT")] == [["nsp"]]
    assert [each.form() for each in FINAL.of("CMD")] == [["serve"]]


def test_every_package_from_the_index_is_checked_by_its_hash_and_is_a_wheel() -> None:
    requirements = [part for part in INSTALLS if " -r " in part]
    assert [re.findall(r"-r (\S+)", part) for part in requirements] == [
        ["requirements/build.txt"],
        ["requirements/runtime.txt"],
    ]
    for part in requirements:
        assert {"--require-hashes", "--only-binary=:all:"} <= set(part.split())


def test_our_own_wheel_brings_nothing_from_the_index() -> None:
    [wheel] = [part for run in RUNS for part in run.split(" && ") if " pip wheel " in part]
    assert {"--no-deps", "--no-build-isolation"} <= set(wheel.split())
    [ours] = [part for part in INSTALLS if " -r " not in part]
    assert {"--no-deps", "--no-index", "/wheel/*.whl"} <= set(ours.split())


def test_no_secret_can_be_passed_into_it() -> None:
    names = [each.rest.partition("=")[0] for stage in READ.stages for each in stage.of("ARG")]
    assert [name for name in names if re.search("TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL", name)] == []


def test_the_final_stage_copies_from_the_build_and_nothing_else() -> None:
    assert [each.rest for each in FINAL.of("COPY")] == ["--from=build /app /app"]


def test_the_engine_is_sent_what_is_copied_and_nothing_else() -> None:
    copied = [word for each in BUILD.of("COPY") for word in each.words()[:-1]]
    sent = dockerignore.let_through(ROOT, (ROOT / ".dockerignore").read_text())
    assert [path for path in sent if not any(path.is_relative_to(word) for word in copied)] == []
    assert [word for word in copied if not any(path.is_relative_to(word) for path in sent)] == []
    assert [path for path in sent if path.suffix == ".pyc"] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM a\nADD https://example.com/x /x", "ADD is not used here"),
        ("FROM a\nSHELL bash", "SHELL is not used here"),
        ("FROM a AS", "FROM a AS: write"),
    ],
)
def test_what_is_not_known_is_refused(text: str, told: str) -> None:
    with pytest.raises(ImageError, match=told):
        dockerfile.parse(text)


def test_a_shell_form_is_refused() -> None:
    with pytest.raises(ImageError, match='write it as \\["program", "argument"\\]'):
        dockerfile.parse("FROM a\nENTRYPOINT nsp serve").stages[0].of("ENTRYPOINT")[0].form()


def test_a_variable_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ImageError, match="'VERSION' is not declared"):
        dockerfile.expand("v${VERSION}", {})


def test_continued_lines_are_one_and_comments_between_them_are_gone() -> None:
    read = dockerfile.parse("FROM a AS b\n# x\nRUN one \\\n# between\n && two\n")
    assert [(each.keyword, each.rest) for each in read.stages[0].instructions] == [("RUN", "one && two")]
