"""However snapshots, events and answers to our own writes come, the mirror ends up as the server, and
nobody's change goes untold."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.kube.faults import manifest
from webhook.adapters.kube import resources
from webhook.adapters.kube.listing import Snapshot
from webhook.adapters.kube.mirror import Delta, Mirror
from webhook.adapters.kube.store import Key, key_of, version_of
from webhook.core.model import Manifest


@dataclass
class World:
    """A server that counts versions, the events and answers that are on their way, and the mirror."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    version: int = 10
    events: list[tuple[str, Manifest]] = field(default_factory=list)
    delivered: list[tuple[str, Manifest]] = field(default_factory=list)
    answers: list[Manifest] = field(default_factory=list)
    backup: tuple[dict[str, Manifest], int] = field(default_factory=lambda: ({}, 10))
    untold: dict[str, int] = field(default_factory=dict)
    """The versions that somebody else has written and the mirror has yet to tell of."""

    def __post_init__(self) -> None:
        self.mirror = Mirror(resources.NAMESPACES, self._told)
        self.snapshot("")

    def _told(self, delta: Delta) -> None:
        name, known = delta.key.name, self.mirror.store.get(delta.key)
        if known is not None and version_of(known) >= self.untold.get(name, 0):
            self.untold.pop(name, None)

    def theirs(self, name: str) -> None:
        self.untold[name] = version_of(self._write(name))

    def ours(self, name: str) -> None:
        """Its answer comes at once or later, before or after its event."""
        self.answers.append(self._write(name))

    def delete(self, name: str) -> None:
        if name in self.objects:
            self.version += 1
            gone = self.objects.pop(name)
            metadata = {**gone["metadata"], "resourceVersion": str(self.version)}
            self.events.append(("DELETED", {**gone, "metadata": metadata}))
            self.untold.pop(name, None)

    def event(self, _: str) -> None:
        if self.events:
            self.delivered.append(self.events.pop(0))
            self.mirror.take(*self.delivered[-1])

    def repeat(self, _: str) -> None:
        """The last event once more."""
        if self.delivered:
            self.mirror.take(*self.delivered[-1])

    def answer(self, _: str) -> None:
        if self.answers:
            self.mirror.wrote(self.answers.pop(0))

    def snapshot(self, _: str) -> None:
        self.events.clear()
        self.delivered.clear()
        objects = {key_of(it): self.mirror.store.kept(it) for it in self.objects.values()}
        self.mirror.replace(Snapshot(objects, self.version), low=False)

    def back_up(self, _: str) -> None:
        self.backup = dict(self.objects), self.version

    def restore(self, _: str) -> None:
        """The reflector sees to it that a snapshot follows at once."""
        if self.version > self.backup[1] and self.mirror.version > self.backup[1]:
            self.objects, self.version = dict(self.backup[0]), self.backup[1]
            self.answers.clear()
            self.untold.clear()
            self.snapshot("")

    def settle(self) -> None:
        while self.events or self.answers:
            self.event("")
            self.answer("")

    def known(self) -> dict[str, Manifest]:
        return dict(self.mirror.store.in_namespace(""))

    def _write(self, name: str) -> Manifest:
        self.version += 1
        known = self.objects.get(name)
        uid = known["metadata"]["uid"] if known else f"uid-{self.version}"
        self.objects[name] = manifest(name, self.version, uid=uid)
        self.events.append(("MODIFIED" if known else "ADDED", self.objects[name]))
        return self.objects[name]


_ACTIONS: list[Callable[[World, str], None]] = [
    World.theirs,
    World.ours,
    World.delete,
    World.event,
    World.event,
    World.repeat,
    World.answer,
    World.snapshot,
    World.back_up,
    World.restore,
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_ACTIONS), st.sampled_from("aab")), min_size=4, max_size=40))
def test_in_the_end_the_mirror_is_the_server_and_every_change_of_others_was_told(
    steps: list[tuple[Callable[[World, str], None], str]],
) -> None:
    world = World()
    for act, name in steps:
        act(world, name)
    world.settle()
    assert world.known() == world.objects
    assert world.untold == {}
    assert world.mirror.version == world.version
    assert world.mirror._unconfirmed == set(), "nothing is left to wait for"


def test_an_answer_that_survives_a_snapshot_is_not_brought_down_by_it() -> None:
    mirror = Mirror(resources.NAMESPACES, lambda _: None)
    mirror.wrote(manifest("a", 12))
    mirror.replace(Snapshot({Key("", "a"): manifest("a", 5)}, 11), low=False)
    found = mirror.store.get(Key("", "a"))
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "12"


def test_a_repeated_event_does_not_turn_the_version_back() -> None:
    mirror = Mirror(resources.NAMESPACES, lambda _: None)
    for name, version in (("a", 11), ("b", 12), ("a", 11)):
        mirror.take("ADDED", manifest(name, version))
    assert mirror.version == 12


def test_a_change_that_our_answer_hides_from_the_stream_is_told() -> None:
    told: list[Delta] = []
    mirror = Mirror(resources.NAMESPACES, told.append)
    mirror.wrote(manifest("a", 12))
    mirror.take("ADDED", manifest("a", 11))
    assert [delta.key.name for delta in told] == ["a"]
    mirror.take("MODIFIED", manifest("a", 12))
    assert len(told) == 1, "our own change is no news"


def test_a_change_that_our_answer_hides_from_a_snapshot_is_told() -> None:
    told: list[Delta] = []
    mirror = Mirror(resources.NAMESPACES, told.append)
    mirror.wrote(manifest("a", 12))
    mirror.replace(Snapshot({Key("", "a"): mirror.store.kept(manifest("a", 12))}, 12), low=False)
    assert [delta.key.name for delta in told] == ["a"]
