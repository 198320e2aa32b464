"""One attack: who, by which door, on what; which rules refuse it; and how to see what became of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from tests.attack import difference, oracle
from tests.attack.actors import Actor
from tests.attack.client import Client, Request
from tests.attack.stage import SYSTEM, Target, path_of
from tests.attack.words import POLICY_RULES, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(ABC):
    """`target` is a kind of namespace; `rules` is empty for what nobody refuses.

    `by_server`: the API server refuses it before anybody of ours is asked. `wasted`: the namespace is
    not as it was afterwards, whether or not the attack succeeded.
    """

    area: str
    change: str
    door: str
    actor: Actor
    target: str
    rules: frozenset[str]
    request: Callable[[Target], Request]
    dry_run: bool = False
    by_server: bool = False
    wasted: bool = False

    @property
    def id(self) -> str:
        dry = ", dry run" if self.dry_run else ""
        return f"{self.change} of {self.target} by {self.door}{dry}, {self.actor.name}"

    @property
    def by_policy(self) -> bool:
        """Whether the API server refuses it with no process of ours."""
        return not self.rules.isdisjoint(POLICY_RULES)

    @property
    def asks_webhook(self) -> bool:
        """Whether a webhook that fails closed is called for it."""
        return False

    @abstractmethod
    def thefts(self, client: Client, target: Target) -> tuple[list[str], bool]:
        """What was taken, and whether anything at all has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCase(Case):
    """A change or the deletion of a namespace."""

    @property
    def asks_webhook(self) -> bool:
        """Not for what the API server puts right itself: then nothing changes."""
        return self.area == "namespace" and self.target not in SYSTEM and self.change != "a forged name"

    def thefts(self, client: Client, target: Target) -> tuple[list[str], bool]:
        before, after = target.namespace, client.get(target.path)
        found = oracle.namespace_thefts(before, after, self.actor)
        return found, bool(found) or after is None or _stated(before) != _stated(after)


def _stated(manifest: Manifest) -> Manifest:
    """What anybody but the controllers writes."""
    return {key: value for key, value in difference.plain(manifest).items() if key not in ("spec", "status")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCase(Case):
    """A change or the deletion of an object; `key` is Kind/name."""

    key: str

    @property
    def id(self) -> str:
        return f"{Case.id.fget(self)}, on {self.key}"  # type: ignore[attr-defined]

    def thefts(self, client: Client, target: Target) -> tuple[list[str], bool]:
        before = target.objects[self.key]
        after = client.get(path_of(before))
        found = oracle.object_thefts(before, after)
        return found, bool(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationCase(Case):
    """Something new; `collection` is where it would be found, with a label of the case's own."""

    collection: Callable[[Target], str]
    mark: str
    exempt: bool = False
    """Whether it is a namespace that the webhooks skip by its name."""

    @property
    def by_policy(self) -> bool:
        """A new namespace is for the webhooks to judge, but for its name and its expiry."""
        kept = {"managed-labels-immutable", "managed-objects"}
        return self.exempt or not self.rules.isdisjoint(kept)

    @property
    def asks_webhook(self) -> bool:
        return self.area == "creation" and not self.exempt

    def thefts(self, client: Client, target: Target) -> tuple[list[str], bool]:
        query = {"labelSelector": f"attack={self.mark}"}
        items = client.must(Request("GET", self.collection(target), query=query))["items"]
        return (["created"] if items and self.rules else []), bool(items)
