"""Places in a team's budget: given once, kept over restarts, and given on when they come free."""

import itertools
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.controller.support import Cluster, Told, namespace
from webhook.adapters import catalogue_file
from webhook.codec import namespace as namespaces
from webhook.controller.budgets import Ledger
from webhook.core import bundle, labels
from webhook.core.budget import GRANTED, Verdict
from webhook.core.model import Bundle, Condition, ConditionStatus, Manifest, key_of
from webhook.core.policy import Bounds, Budget, Policy, TeamGroups

PODS = {"pods": Bounds("0", "100")}
BUILT_IN = catalogue_file.load(None)


def policy(**budgets: Budget) -> Policy:
    """The built-in tiers, each with pods that can be overridden; `every` is the budget of all teams."""
    tiers = {name: replace(tier, overrides=PODS) for name, tier in BUILT_IN.tiers.items()}
    named = {"*" if team == "every" else team: each for team, each in budgets.items()}
    return replace(BUILT_IN, tiers=tiers, budgets=named)


ONE, TWO = policy(every=Budget(1)), policy(every=Budget(2))
FORTY_PODS = policy(every=Budget(quota={"pods": "40"}))


@dataclass
class Team:
    """A cluster, a ledger, and passes that do what it says."""

    policy: Policy = ONE
    cluster: Cluster = field(default_factory=Cluster)
    told: list[str] = field(default_factory=list)
    metrics: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.cluster, self.told.append, self.metrics.metrics)

    def create(
        self, *names: str, at: int = 0, team: str = "payments", tier: str = "small", pods: str = ""
    ) -> None:
        for name in names:
            made = namespace(name, tier=tier, team=team)
            made["metadata"]["creationTimestamp"] = f"2026-03-01T12:00:{at:02}Z"
            self.cluster.namespaces[name] = made
            if pods:
                self.change(name, pods=pods)

    def change(self, name: str, *, pods: str = "", **changed: str) -> None:
        """Change labels, or the override of `pods`: a new version, as the watch brings it."""
        before = self.cluster.namespaces[name]
        metadata = dict(before["metadata"])
        metadata["labels"] = {**metadata["labels"], **{f"platform/{key}": it for key, it in changed.items()}}
        if pods:
            metadata["annotations"] = {labels.QUOTA: f"pods={pods}"}
        self.cluster.namespaces[name] = {**before, "metadata": metadata}

    def end(self, name: str, *, emptied: bool = False) -> None:
        """Its deletion has begun; when `emptied`, its objects are gone already."""
        before = self.cluster.namespaces[name]
        metadata = {**before["metadata"], "deletionTimestamp": "2026-03-01T13:00:00Z"}
        self.cluster.namespaces[name] = {**before, "metadata": metadata}
        if emptied:
            self.cluster.objects.pop(name, None)

    def gone(self, name: str) -> None:
        self.cluster.depart(name)
        self.cluster.objects.pop(name, None)
        self.ledger.forget(name)

    def verdict(self, name: str) -> Verdict:
        return self.ledger.claim(name, self.cluster.namespaces[name], self.policy)

    def a_pass(self, name: str) -> Verdict:
        """What the reconciler does with a verdict, with all writes done at once."""
        found = self.verdict(name)
        if not found.keep:
            state = namespaces.state(self.cluster.namespaces[name])
            self._write(name, (bundle.of if found.granted else bundle.inert)(name, state, self.policy))
        self._set_condition(name, found.granted)
        return found

    def passes(self, *names: str) -> str:
        """Who is granted by a pass each, in this order."""
        return "".join(name for name in names if self.a_pass(name).granted)

    def _write(self, name: str, wanted: Bundle) -> None:
        self.cluster.objects[name] = {key_of(manifest): manifest for manifest in wanted.objects}

    def _set_condition(self, name: str, ready: bool) -> None:
        status = ConditionStatus.TRUE if ready else ConditionStatus.FALSE
        patch = namespaces.status_patch(name, Condition(status, "Test", ""), since="x", uid=f"uid-{name}")
        self.cluster.namespaces[name] = {**self.cluster.namespaces[name], "status": patch["status"]}

    def hard(self, name: str) -> dict[str, str]:
        found: dict[str, str] = self.cluster.objects[name][bundle.QUOTA]["spec"]["hard"]
        return found

    def with_access(self) -> list[str]:
        return sorted(name for name, objects in self.cluster.objects.items() if bundle.ACCESS in objects)


def team(rules: Policy, *names: str, **settings: Any) -> Team:
    """A team whose namespaces have had a pass each."""
    made = Team(rules)
    made.create(*names, **settings)
    made.passes(*names)
    made.told.clear()
    return made


def test_without_a_budget_everybody_is_granted_and_no_book_is_kept() -> None:
    made = Team(policy(search=Budget(1)))
    made.create("a", "b")
    assert made.verdict("a") is made.verdict("b") is GRANTED
    assert made.metrics.value("nsp_budget_waiting") == 0


def test_whoever_comes_first_to_the_ledger_the_oldest_that_is_known_gets_the_place() -> None:
    made = Team()
    made.create("a", at=2)
    made.create("b", at=1)
    assert made.passes("a", "b") == "b"
    assert made.told == ["b"]
    assert made.metrics.value("nsp_budget_waiting") == 1


def test_a_place_that_was_given_is_not_taken_back_by_an_older_one() -> None:
    made = team(ONE, "b", at=5)
    made.create("a", at=1)
    assert made.passes("a", "b") == "b"


def test_teams_have_nothing_to_do_with_each_other() -> None:
    made = team(ONE, "a")
    made.create("x", team="search")
    assert made.passes("x", "a") == "xa"


def test_the_message_tells_what_is_asked_what_there_is_and_what_is_used() -> None:
    made = team(policy(every=Budget(1, {"pods": "30"})), "a")
    made.create("b")
    assert made.verdict("b") == Verdict(
        granted=False,
        message="no room in the budget of team payments: "
        "namespaces: 1 asked, 1 of 1 used; pods: 20 asked, 20 of 30 used",
    )


def test_a_place_comes_free_when_the_namespace_is_gone_and_not_before() -> None:
    made = team(ONE, "a", "b", "c")
    made.end("a")
    assert made.passes("b", "c") == ""
    made.end("a", emptied=True)
    assert made.passes("b", "c") == ""
    made.gone("a")
    assert made.told == ["b"]
    assert made.passes("c", "b") == "b"


def test_a_namesake_has_to_ask_for_itself() -> None:
    made = team(ONE, "a", "b")
    made.gone("a")
    made.create("a", at=9)
    made.cluster.namespaces["a"]["metadata"]["uid"] = "another"
    assert made.passes("a", "b") == "b"


def test_a_namesake_is_told_apart_even_when_nobody_said_that_the_first_one_went() -> None:
    made = team(ONE, "a", "b")
    made.create("a", at=9)
    made.cluster.namespaces["a"]["metadata"]["uid"] = "another"
    made.cluster.objects.pop("a")
    assert made.passes("a", "b") == "b"


def _unbound(made: Team) -> None:
    del made.cluster.objects["b"][bundle.ACCESS]


def _no_quota(made: Team) -> None:
    del made.cluster.objects["b"][bundle.QUOTA]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda made: None, id="nothing"),
        pytest.param(_unbound, id="somebody took its binding away"),
        pytest.param(_no_quota, id="somebody took its quota away"),
        pytest.param(lambda made: made.end("b", emptied=True), id="its deletion has begun and it is empty"),
        pytest.param(
            lambda made: made.change("b", tier="gone"), id="its tier is not in the catalogue any more"
        ),
        pytest.param(lambda made: setattr(made, "policy", policy(every=Budget(0))), id="the budget was cut"),
    ],
)
def test_a_place_survives_a_restart(meanwhile: Any) -> None:
    """Although an older one waits, and comes first."""
    made = team(ONE, "b", at=5)
    made.create("a", at=1)
    made.passes("a")
    made.restart()
    meanwhile(made)
    assert made.passes("a") == ""
    if "deletionTimestamp" not in made.cluster.namespaces["b"]["metadata"] and made.policy.tiers.get(
        made.cluster.namespaces["b"]["metadata"]["labels"][labels.TIER]
    ):
        assert made.verdict("b") is GRANTED


def test_an_emptied_namespace_counts_as_what_its_tier_gave_it() -> None:
    """After a restart nothing else tells; with no limit at all it would leave room for nobody."""
    made = team(FORTY_PODS, "a")
    made.end("a", emptied=True)
    made.restart()
    made.create("b", "c")
    assert made.passes("b", "c") == "b"


def test_after_a_reset_the_cluster_says_who_has_a_place() -> None:
    """Somebody else led meanwhile, and gave the place to the one that waited here."""
    made = team(ONE, "a", "b")
    made.cluster.depart("a")
    made._write("b", bundle.of("b", namespaces.state(made.cluster.namespaces["b"]), made.policy))
    made.create("0")
    made.ledger.reset()
    assert made.passes("0", "b") == "b"


def test_a_grant_counts_before_its_objects_can_be_seen() -> None:
    made = Team()
    made.create("a")
    assert made.verdict("a").granted
    made.create("0")
    assert not made.verdict("0").granted
    assert made.verdict("a").granted


@pytest.mark.parametrize("tier", ["small", "large"])
def test_a_pass_over_what_has_not_changed_says_the_same(tier: str) -> None:
    made = team(TWO, "a", "b", "c", tier=tier)
    assert made.passes("c", "b", "a", "c") == "ba"
    assert made.told == []


def test_growing_needs_room_and_what_was_granted_stays() -> None:
    made = team(FORTY_PODS, "a", "b")
    made.change("a", pods="21")
    found = made.a_pass("a")
    assert found == Verdict(
        granted=False,
        keep=True,
        message="no room in the budget of team payments: pods: 21 instead of 20 asked, 40 of 40 used",
    )
    assert made.hard("a")["pods"] == "20"
    made.restart()
    assert made.a_pass("a") == found
    made.change("a", pods="20")
    assert made.a_pass("a") is GRANTED


def test_what_is_given_back_is_free_once_it_has_been_taken() -> None:
    made = team(FORTY_PODS, "a", "b", "c")
    made.change("a", pods="0")
    assert made.verdict("a").granted
    assert made.told == ["a"], "to come again after its pass"
    assert not made.verdict("c").granted
    made.a_pass("a")
    assert made.told == ["a"], "and only once"
    assert made.verdict("a").granted
    assert made.told == ["a", "c"]
    assert made.passes("c") == "c"
    made.change("a", pods="1")
    assert made.verdict("a").keep


def test_growing_waits_for_room_and_is_told() -> None:
    made = team(FORTY_PODS, "a", "b")
    made.change("a", pods="30")
    made.a_pass("a")
    made.gone("b")
    assert made.told == ["a"]
    assert made.a_pass("a").granted
    made.create("c", pods="11")
    assert not made.verdict("c").granted


def test_a_changed_catalogue_lets_in_and_puts_nobody_out() -> None:
    made = team(ONE, "a", "b", "c")
    made.policy = TWO
    assert made.passes("a") == "a"
    assert made.told == ["b"], "whoever notices first"
    assert made.passes("c", "b", "a") == "ba"
    made.policy = policy(every=Budget(0))
    assert made.passes("a", "b", "c") == "ab"
    made.policy = policy()
    assert made.passes("a", "b", "c") == "abc"
    made.policy = ONE
    assert made.passes("a", "b", "c") == "abc"


def test_a_larger_tier_in_the_catalogue_is_growth() -> None:
    made = team(FORTY_PODS, "a", "b")
    bigger = {**made.policy.tiers["small"].quota, "pods": "21"}
    tiers = {**made.policy.tiers, "small": replace(made.policy.tiers["small"], quota=bigger)}
    made.policy = replace(made.policy, tiers=tiers)
    assert [made.a_pass(name).keep for name in "ab"] == [True, True]


@pytest.mark.parametrize("restarted", [False, True], ids=["while it runs", "while it was down"])
def test_who_moves_to_another_team_leaves_its_place_and_asks_anew(restarted: bool) -> None:
    made = team(ONE, "a", "b")
    made.create("x", team="search")
    made.passes("x")
    made.change("a", team="search")
    if restarted:
        made.restart()
    assert made.passes("a", "b", "x") == "bx"
    assert made.with_access() == ["b", "x"]
    assert ("b" in made.told) is not restarted


def test_who_moves_has_no_place_by_a_condition_of_the_former_team() -> None:
    made = team(ONE, "a")
    made.create("x", team="search")
    made.passes("x")
    made.change("a", team="search")
    del made.cluster.objects["a"][bundle.ACCESS]
    assert made.passes("a", "x") == "x"


def test_who_moves_is_noticed_by_a_pass_over_another_one_too() -> None:
    made = team(ONE, "a", "b")
    made.create("x", team="search", at=9)
    made.change("a", team="search")
    assert made.passes("x") == ""
    assert made.told == ["a", "b"]


def test_who_moves_to_a_team_without_a_budget_leaves_its_place() -> None:
    made = team(policy(payments=Budget(1)), "a", "b")
    made.change("a", team="search")
    assert made.passes("a") == "a"
    assert made.told == ["b"]


def test_another_name_for_the_groups_is_no_other_team() -> None:
    made = team(ONE, "b", at=5)
    made.create("a")
    made.restart()
    made.policy = replace(ONE, team_groups=TeamGroups("oidc:", "-devs"))
    assert made.passes("a", "b") == "b"


def test_a_half_made_inert_namespace_has_no_place() -> None:
    """The binding is gone, the condition is not written yet, and we are started again."""
    made = team(ONE, "a")
    state = namespaces.state(made.cluster.namespaces["a"])
    made._write("a", bundle.inert("a", state, made.policy))
    made.restart()
    made.create("0")
    assert made.passes("0", "a") == "0"


def test_exempt_namespaces_have_no_place() -> None:
    made = Team(replace(ONE, exempt_names=ONE.exempt_names | {"a"}))
    made.create("a", "b")
    assert made.passes("b") == "b"


def test_who_is_being_deleted_gets_no_place_and_holds_up_nobody() -> None:
    made = team(ONE, "a", "b", "c")
    made.end("b")
    made.gone("a")
    assert made.told == ["c"]


class Story:
    """Anything that may happen to a team, with passes in any order; what must hold at every moment."""

    def __init__(self) -> None:
        self.team = Team(policy(every=Budget(3, {"pods": "50"})))
        self.numbers = itertools.count()

    def step(self, what: str, which: int, pods: str) -> None:
        names = sorted(self.team.cluster.namespaces)
        name = names[which % len(names)] if names else ""
        if what == "create":
            self.team.create(f"n{next(self.numbers)}", at=which, pods=pods)
        elif what == "restart":
            self.team.restart()
        elif name and what == "gone":
            self.team.gone(name)
        elif name and what == "change":
            self.team.change(name, pods=pods)
        elif name and what == "pass":
            had = name in self.team.with_access()
            self.team.a_pass(name)
            assert not had or name in self.team.with_access(), "a place is never lost"

    def check(self) -> None:
        having = self.team.with_access()
        assert len(having) <= 3
        assert sum(int(self.team.hard(name)["pods"]) for name in having) <= 50

    def settle(self) -> None:
        """Passes over everybody, and over who is told, until nothing changes any more."""
        queue = sorted(self.team.cluster.namespaces) * 3
        while queue:
            if (name := queue.pop(0)) in self.team.cluster.namespaces:
                self.team.a_pass(name)
            queue += self.team.told
            self.team.told.clear()


steps = st.tuples(
    st.sampled_from(["create", "gone", "change", "pass", "pass", "pass", "restart"]),
    st.integers(0, 9),
    st.sampled_from(["0", "5", "20", "30", "50", "51"]),
)


@settings(deadline=None)
@given(st.lists(steps, max_size=40))
def test_whatever_happens_the_cluster_is_never_over_the_budget(told: list[tuple[str, int, str]]) -> None:
    story = Story()
    for step in told:
        story.step(*step)
        story.check()
    story.settle()
    story.check()


@settings(deadline=None)
@given(st.lists(steps, max_size=40))
def test_in_the_end_nobody_waits_who_would_fit_and_stands_first(told: list[tuple[str, int, str]]) -> None:
    story = Story()
    for step in told:
        story.step(*step)
    story.settle()
    found = {name: story.team.verdict(name) for name in story.team.cluster.namespaces}
    having = [name for name, verdict in found.items() if verdict.granted]
    waiting = sorted(
        (story.team.cluster.namespaces[name]["metadata"]["creationTimestamp"], name)
        for name, verdict in found.items()
        if not verdict.granted and _pods(story.team, name) <= 50
    )
    assert sorted(having) == sorted(set(story.team.with_access()) - {n for n, v in found.items() if v.keep})
    if waiting:
        first = waiting[0][1]
        held = [name for name in story.team.with_access() if name != first]
        used = sum(int(story.team.hard(name)["pods"]) for name in held)
        assert len(held) == 3 or used + _pods(story.team, first) > 50


def _pods(made: Team, name: str) -> int:
    annotation = made.cluster.namespaces[name]["metadata"].get("annotations", {}).get(labels.QUOTA, "pods=20")
    return int(annotation.removeprefix("pods="))


@dataclass
class Crowd:
    """A team as the real view gives it: an index, without looking for the members."""

    members: dict[str, Manifest] = field(default_factory=dict)

    def team(self, name: str) -> tuple[Manifest, ...]:
        return tuple(self.members.values())

    def bundle_objects(self, name: str) -> dict[Any, Manifest]:
        return {}


@pytest.mark.parametrize("places", [1, 5000])
def test_a_team_of_a_thousand_is_decided_within_its_time(places: int) -> None:
    """Each comes alone, which is the worst case: the line is walked for each of them. Then all come again."""
    rules = policy(every=Budget(places, {"requests.cpu": "100k", "requests.memory": "1Pi", "pods": "1M"}))
    crowd, told = Crowd(), Told()
    ledger = Ledger(crowd, lambda name: None, told.metrics)
    names = [f"n{number:04}" for number in range(1000)]
    begin = time.process_time()
    for name in names:
        crowd.members[name] = namespace(name)
        ledger.claim(name, crowd.members[name], rules)
    came = time.process_time()
    granted = sum(ledger.claim(name, crowd.members[name], rules).granted for name in names)
    again = time.process_time()
    assert granted == min(places, 1000)
    assert came - begin < 10, "measured: 1.4 s"
    assert again - came < 2, "measured: 0.3 s"
