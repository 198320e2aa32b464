"""Broken files: everything that is wrong is said at once, with its place and the way out."""

from pathlib import Path

import pytest

from tests.codec.builders import CATALOGUE, DROP, catalogue_text, document
from webhook.adapters import catalogue_file
from webhook.codec import catalogue
from webhook.core.errors import InvalidPolicyError


def _problems(text: str) -> list[str]:
    with pytest.raises(InvalidPolicyError) as refused:
        catalogue.parse(text)
    assert str(refused.value) == "\n".join(map(str, refused.value.problems))
    return [str(problem) for problem in refused.value.problems]


ROOT_KEYS = "is not a known key; allowed: apiVersion, defaults, expiry, kind, policy, rollout, teams, tiers"
POLICY_KEYS = (
    "is not a known key; allowed: adminGroups, adoption, appliers, controllers, defaultTier, exemptNames, "
    "modes, namePattern, requesters, requiredAnnotations, requiredLabels, reservedNames, reservedPrefixes, "
    "teamGroups, teamSeparator, unlabelled"
)
TIER_KEYS = (
    "is not a known key; allowed: abstract, allowed, deletionProtection, extends, extraManifests, "
    "idleTtl, limitRange, maxTtl, networkPolicies, overrides, podSecurity, quota, replacedBy, title, ttl"
)


NOBODY: dict[str, object] = {"policy/requesters": [], "policy/controllers": []}
"""The built-in accounts need their namespace to be exempt."""

NO_NAME = "is not a name (use lower-case letters, digits and '-', at most 63)"


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        pytest.param(
            {"tiers/small/quota/cores": "4"},
            ['tiers.small.quota.cores: "cores" is not a quota key (use `requests.cpu` and `limits.cpu`)'],
            id="cores",
        ),
        pytest.param(
            {"tiers/small/quota/namespaces": "4"},
            [
                'tiers.small.quota.namespaces: "namespaces" is not a quota key '
                "(a ResourceQuota cannot limit namespaces)"
            ],
            id="namespaces",
        ),
        pytest.param(
            {"tier": {}},
            [f'tier: "tier" {ROOT_KEYS} (did you mean `tiers`?)'],
            id="an unknown key at the top",
        ),
        pytest.param(
            {"policy/namepattern": "x"},
            [f'policy.namepattern: "namepattern" {POLICY_KEYS} (did you mean `namePattern`?)'],
            id="an unknown key in the policy",
        ),
        pytest.param(
            {"tiers/small/quotas": {}},
            [f'tiers.small.quotas: "quotas" {TIER_KEYS} (did you mean `quota`?)'],
            id="an unknown key in a tier",
        ),
        pytest.param(
            {"tiers/small/limitRange/defaults": {}},
            [
                'tiers.small.limitRange.defaults: "defaults" is not a known key; '
                "allowed: default, defaultRequest (did you mean `default`?)"
            ],
            id="an unknown key in the limits",
        ),
        pytest.param(
            {"tiers/small/limitRange/default/gpu": "1"},
            [
                'tiers.small.limitRange.default.gpu: "gpu" is not a container resource; '
                "allowed: cpu, ephemeral-storage, memory (did you mean `cpu`?)"
            ],
            id="an unknown resource in the limits",
        ),
        pytest.param(
            {"tiers/small/podSecurity": {"enforced": "baseline"}},
            [
                'tiers.small.podSecurity.enforced: "enforced" is not a mode; allowed: audit, enforce, warn '
                "(did you mean `enforce`?)"
            ],
            id="an unknown pod security mode",
        ),
        pytest.param(
            {"tiers/small/podSecurity": {"enforce": "restrict"}},
            [
                'tiers.small.podSecurity.enforce: "restrict" is not a level; '
                "allowed: baseline, privileged, restricted (did you mean `restricted`?)"
            ],
            id="an unknown pod security level",
        ),
        pytest.param(
            {"tiers/small/quota/pods": ["20"]},
            ["tiers.small.quota.pods: must be a quantity, not \"['20']\" (such as 500m, 4 or 16Gi)"],
            id="a list where a quantity should be",
        ),
        pytest.param(
            {"tiers/small/quota/pods": True},
            ['tiers.small.quota.pods: must be a quantity, not "True" (such as 500m, 4 or 16Gi)'],
            id="yes where a quantity should be",
        ),
        pytest.param(
            {"tiers/small/quota/pods": None},
            ["tiers.small.quota.pods: must be a quantity, not nothing (such as 500m, 4 or 16Gi)"],
            id="nothing where a quantity should be",
        ),
        pytest.param(
            {"tiers/small/quota/limits.memory": "16GB"},
            [
                "tiers.small.quota.limits.memory: '16GB' has an unknown suffix 'GB'; "
                "use m, k, M, G, Ki, Mi or Gi"
            ],
            id="a suffix that is none",
        ),
        pytest.param(
            {"tiers/small/quota/pods": "many"},
            ["tiers.small.quota.pods: 'many' is not a quantity such as 500m, 4 or 16Gi"],
            id="a word where a quantity should be",
        ),
        pytest.param(
            {"tiers/small/quota/pods": -1}, ["tiers.small.quota.pods: -1 is negative"], id="a negative"
        ),
        pytest.param(
            {"tiers/small/limitRange/defaultRequest/cpu": "0.6"},
            [
                "tiers.small.limitRange.defaultRequest.cpu: 0.6 is above the default limit 500m "
                "(a pod cannot request more than its limit)"
            ],
            id="a request above its limit",
        ),
        pytest.param(
            {"policy/defaultTier": "smal"},
            [
                'policy.defaultTier: "smal" is not a tier; allowed: freemium, large, medium, small '
                "(did you mean `small`?)"
            ],
            id="a default tier that is not there",
        ),
        pytest.param(
            {"policy/defaultTier": 5},
            ['policy.defaultTier: must be a text, not "5" (put it in quotes)'],
            id="a number where a text should be",
        ),
        pytest.param(
            {"policy/namePattern": "[a-"},
            [
                "policy.namePattern: is not a regular expression of RE2: missing ]: [a- "
                "(look-around and backreferences are not known, see its syntax page)"
            ],
            id="a pattern that is none",
        ),
        pytest.param(
            {"policy/reservedNames": "admin"},
            ['policy.reservedNames: must be a list, not "admin"'],
            id="a text where a list should be",
        ),
        pytest.param(
            {"policy/reservedPrefixes": [""]},
            ['policy.reservedPrefixes[0]: must be a text, not "" (put it in quotes)'],
            id="a prefix that every name begins with",
        ),
        pytest.param(
            {"policy/adminGroups": ["a", 7, None]},
            [
                'policy.adminGroups[1]: must be a text, not "7" (put it in quotes)',
                "policy.adminGroups[2]: must be a text, not nothing (put it in quotes)",
            ],
            id="a list with something else in it",
        ),
        pytest.param(
            {"tiers": {}, "policy/defaultTier": "small"},
            ["tiers: no tier is defined (define at least one, for instance `small`)"],
            id="no tier at all",
        ),
        pytest.param(
            {"tiers/Extra_Large": document()["tiers"]["small"]},
            [f"tiers.Extra_Large: {NO_NAME}"],
            id="a tier with a bad name",
        ),
        pytest.param(
            {**NOBODY, "policy/exemptNames": ["Kube_System", "fine", "a b", "-x", "a" * 64]},
            [
                f"policy.exemptNames.Kube_System: {NO_NAME}",
                f"policy.exemptNames.a b: {NO_NAME}",
                f"policy.exemptNames.-x: {NO_NAME}",
                f"policy.exemptNames.{'a' * 64}: {NO_NAME}",
            ],
            id="exempt names that no namespace has",
        ),
        pytest.param(
            {**NOBODY, "policy/exemptNames": [7, ""]},
            [
                'policy.exemptNames[0]: must be a text, not "7" (put it in quotes)',
                'policy.exemptNames[1]: must be a text, not "" (put it in quotes)',
            ],
            id="exempt names that are no texts",
        ),
        pytest.param(
            {"policy/requesters": ["ok", None]},
            ["policy.requesters[1]: must be a text, not nothing (put it in quotes)"],
            id="a requester that is nobody",
        ),
        pytest.param(
            {"apiVersion": "ns-provisioner.io/v2", "kind": "Catalogue"},
            [
                'apiVersion: "ns-provisioner.io/v2" is not known; allowed: ns-provisioner.io/v1alpha1 '
                "(did you mean `ns-provisioner.io/v1alpha1`?)",
                'kind: "Catalogue" is not known; allowed: TierCatalogue (did you mean `TierCatalogue`?)',
            ],
            id="another version and kind",
        ),
    ],
)
def test_one_thing_wrong(changes: dict[str, object], problems: list[str]) -> None:
    assert _problems(catalogue_text(changes)) == problems


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = catalogue_text(
        {
            "policy/defaultTier": "tiny",
            "policy/adminGroups": "root",
            "tiers/freemium/quota/cores": "1",
            "tiers/small/quota/pods": "-5",
            "tiers/small/limitRange/defaultRequest/memory": "1Gi",
            "tiers/large/podSecurity": {"warn": "strict"},
            "colour": "red",
        }
    )
    places = [line.split(": ")[0] for line in _problems(text)]
    assert sorted(places) == [
        "colour",
        "policy.adminGroups",
        "policy.defaultTier",
        "tiers.freemium.quota.cores",
        "tiers.large.podSecurity.warn",
        "tiers.small.limitRange.defaultRequest.memory",
        "tiers.small.quota.pods",
    ]


def test_a_bad_pattern_does_not_hide_the_rest_of_the_policy() -> None:
    text = catalogue_text({"policy/namePattern": "(", "policy/adminGroups": "root"})
    assert [line.split(": ")[0] for line in _problems(text)] == ["policy.namePattern", "policy.adminGroups"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "(file): must be a mapping, not nothing", id="empty"),
        pytest.param("# nothing\n", "(file): must be a mapping, not nothing", id="only a comment"),
        pytest.param("- a\n- b\n", "(file): must be a mapping, not \"['a', 'b']\"", id="a list at the top"),
        pytest.param("just words", '(file): must be a mapping, not "just words"', id="a text at the top"),
        pytest.param(
            "a: [1", "line 2: is not YAML: did not find expected ',' or ']'", id="a bracket left open"
        ),
        pytest.param("a: 1\n\tb: 2\n", "line 2: is not YAML: found a tab character", id="a tab"),
        pytest.param("a: 1\n---\nb: 2\n", "(file): holds more than one document", id="two documents"),
        pytest.param("a: *b\n", "line 1: is not YAML: found undefined alias", id="an alias of nothing"),
        pytest.param("a\0b", "(file): is not YAML: cannot be parsed", id="a null character"),
    ],
)
def test_not_a_catalogue_at_all(text: str, problem: str) -> None:
    assert _problems(text)[0].startswith(problem)


def test_yaml_makes_no_objects() -> None:
    (problem,) = _problems("a: !!python/object/apply:os.system [id]\n")
    assert problem.startswith("line 1: is not YAML: could not determine a constructor for the tag")


@pytest.mark.parametrize("text", ["", "- a\n", "just words"])
def test_a_wrong_top_is_one_problem(text: str) -> None:
    assert len(_problems(text)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "apiVersion",
        "policy",
        "tiers",
        "policy/defaultTier",
        "tiers/small/quota",
        "tiers/small/limitRange/default",
    ],
)
def test_a_missing_part_is_named(path: str) -> None:
    place = path.replace("/", ".")
    assert f"{place}: is missing" in _problems(catalogue_text({path: DROP}))


def test_a_missing_part_is_one_problem() -> None:
    assert _problems(catalogue_text({"tiers/small/quota": DROP})) == ["tiers.small.quota: is missing"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-99-99", id="a day that is not in the calendar"),
        pytest.param("!!int many", id="a word said to be a number"),
        pytest.param("9" * 5000, id="a number of 5000 digits"),
    ],
)
def test_a_value_that_yaml_cannot_make(value: str) -> None:
    assert _problems(CATALOGUE + f"extra: {value}\n")


def test_a_tier_that_is_defined_twice() -> None:
    again = CATALOGUE.split("tiers:\n")[1].replace("medium:", "small:")
    assert _problems(CATALOGUE.split("tiers:\n")[0] + "tiers:\n" + again)


@pytest.mark.parametrize("key", ["pods", "secrets", "services.nodeports", "count/deployments.apps"])
def test_half_a_pod_is_no_quota(key: str) -> None:
    assert _problems(catalogue_text({"tiers/small/quota": {key: "500m"}})) == [
        f"tiers.small.quota.{key}: 500m is not a whole number (these are counted in pieces)"
    ]


@pytest.mark.parametrize("key", ["requests.cpu", "limits.memory", "requests.storage"])
def test_half_a_core_is_one(key: str) -> None:
    values = catalogue.parse(catalogue_text({"tiers/small/quota": {key: "1500m"}})).tiers["small"].quota
    assert values == {key: "1500m"}


@pytest.mark.parametrize("key", ["[a]", "{a: b}"])
def test_a_key_that_is_no_text(key: str) -> None:
    assert _problems(f"? {key}\n: b\n")


def test_too_deep_a_nesting_is_called_that() -> None:
    (problem,) = _problems("[" * 30)
    assert "nested deeper than 20 levels" in problem


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tiers/small/quota": {}}, id="an empty quota"),
        pytest.param({"tiers/small/limitRange/default": {}}, id="empty default limits"),
        pytest.param({"tiers/small/limitRange/defaultRequest": {}}, id="empty default requests"),
        pytest.param({"tiers/small/limitRange/defaultRequest/cpu": DROP}, id="a limit without a request"),
    ],
)
def test_what_could_never_be_in_order_in_a_cluster(changes: dict[str, object]) -> None:
    assert _problems(catalogue_text(changes))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            None, "(file): cannot be read: No such file or directory", id="a file that is not there"
        ),
        pytest.param(b"\xff\xfe\x00", "(file): cannot be read: not UTF-8 text", id="binary"),
        pytest.param(CATALOGUE.encode("utf-16"), "(file): cannot be read: not UTF-8 text", id="UTF-16"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "catalogue.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidPolicyError) as refused:
        catalogue_file.load(file)
    assert str(refused.value) == problem
    assert refused.value.source == str(file)


def test_what_is_wrong_in_a_file_comes_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("[]")
    with pytest.raises(InvalidPolicyError) as refused:
        catalogue_file.load(file)
    assert refused.value.source == str(file)
    assert str(file) not in str(refused.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicyError, match="cannot be read: Is a directory"):
        catalogue_file.load(tmp_path)


@pytest.mark.parametrize("changes", [{**NOBODY, "policy/exemptNames": ["x" * 10**5]}, {"kind": "x" * 10**5}])
def test_long_text_is_cut(changes: dict[str, object]) -> None:
    (problem,) = _problems(catalogue_text(changes))
    assert len(problem) < 250


@pytest.mark.parametrize("word", ["y", "N", "08", "0o7", "+08", "0XF", "1e3", "._"])
@pytest.mark.parametrize(
    "place", [("[platform-admins,", "[{},"), ("  medium:\n", "  {}:\n")], ids=["as a value", "as a key"]
)
def test_a_bare_word_that_others_take_for_something_else(word: str, place: tuple[str, str]) -> None:
    """Helm, which makes policies of the same file, would write another name into them."""
    old, new = place
    (problem,) = _problems(CATALOGUE.replace(old, new.format(word)))
    assert problem.endswith(f"'{word}' is a number, true or false to other programs: put it in quotes")


def test_a_merge_key_which_others_take_in_another_order() -> None:
    text = CATALOGUE.replace("abstract: true", "abstract: true\n    <<: {title: shared}")
    (problem,) = _problems(text)
    assert problem.endswith("'<<' means different things to different programs: write out what it is for")
