"""Twenty thousand reviews: none breaks us, every answer is one the API server takes, none is a wrong yes.

What may be allowed is judged here by a few laws of our own, not by the rules that decide.
"""

import random
from typing import Any

import pytest

from tests.codec.apiserver import verify
from tests.codec.builders import DROP, body, decode, delete, namespace, review, update
from tests.core.builders import COMPLETE, POLICY
from webhook.codec import review as codec
from webhook.core import decide, labels
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Facts, Operation

SEEDS = range(20)
REVIEWS_PER_SEED = 1000

TENANTS = [[], ["system:authenticated"], ["team-payments"], ["team-shop", "developers"]]
NAMES = ["payments", "shop", "kube-x", "default", "kube-system", "Pay", "a", "x" * 64, "payments\n", ""]
KEYS = [*COMPLETE, labels.REQUESTED_BY, labels.TTL, labels.EXPIRES_AT, "a", "A/b~c", "", "é", "\x00"]
VALUES = [
    *COMPLETE.values(),
    "medium",
    "huge",
    "privileged",
    "shop",
    "",
    " ",
    "7d",
    "-1s",
    "x" * 300,
    "\U0001f600",
]
JUNK = [None, 7, -1.5, True, [], {}, ["x"], {"a": "b"}, "", "x", "CREATE", DROP]


class Chance(random.Random):
    """Makes reviews: mostly sensible ones, with something wrong in many."""

    def review(self) -> Any:
        sent = self.choice([review, update, update, delete])(
            **{"name": self.choice(NAMES), "userInfo": self._user(), **self._objects(), **self._oddities()}
        )
        return {
            **sent,
            **({self.choice(["kind", "apiVersion", "x"]): self._junk()} if self._now_and_then() else {}),
        }

    def _now_and_then(self) -> bool:
        return self.random() < 0.03

    def _junk(self) -> Any:
        return self.choice([value for value in JUNK if value is not DROP])

    def _user(self) -> Any:
        if self._now_and_then():
            return self._junk()
        return {"username": self.choice(["jane", "", "\u202e", "x" * 300]), "groups": self.choice(TENANTS)}

    def _objects(self) -> dict[str, Any]:
        changed = self.sample(["object", "oldObject"], self.choice([0, 1, 1, 2]))
        return {field: self._namespace() for field in changed}

    def _namespace(self) -> Any:
        if self._now_and_then():
            return self._junk()
        manifest = namespace(self.choice(NAMES), self._changes(), self._changes())
        for field in ("deletionTimestamp", "creationTimestamp", "ownerReferences", "labels", "managedFields"):
            if self._now_and_then():
                manifest["metadata"][field] = self._junk()
        return manifest

    def _changes(self) -> dict[str, str | None]:
        """Of labels or annotations."""
        keys = self.sample(KEYS, self.choice([0, 1, 1, 2, 5]))
        return {key: self.choice([None, *VALUES]) for key in keys}

    def _oddities(self) -> dict[str, Any]:
        """Fields of the request that are not what they should be."""
        fields: dict[str, Any] = (
            {"subResource": self.choice(["status", "finalize"])} if self.random() < 0.2 else {}
        )
        if self._now_and_then():
            fields[self.choice(["uid", "operation", "resource", "name", "object", "subResource", "y"])] = (
                self.choice(JUNK)
            )
        return fields


def _must_be_denied(facts: Facts) -> bool:
    """Laws that hold for every tenant, whatever else a request says."""
    before, after = facts.old, facts.new
    if facts.operation is Operation.CREATE:
        reserved = facts.name in POLICY.exempt_names or facts.name.startswith("kube-")
        return reserved or after.labels.get(labels.TIER) not in POLICY.tiers
    if facts.operation is Operation.UPDATE and before is not None:
        managed = before.labels.get(labels.MANAGED_BY) == labels.MANAGER
        kept = all(before.labels.get(key) == after.labels.get(key) for key in labels.IDENTITY_LABELS)
        return managed and not kept
    return False


@pytest.mark.parametrize("seed", SEEDS)
def test_every_review_is_answered_or_refused_and_none_is_allowed_wrongly(seed: int) -> None:
    chance = Chance(seed)
    answered = denied = 0
    for _ in range(REVIEWS_PER_SEED):
        sent = chance.review()
        try:
            decoded = decode(body(sent))
        except MalformedReviewError:
            continue
        mutation = codec.encode_additions(decoded, decide.mutate(decoded.facts, POLICY))
        assert verify(mutation, uid=decoded.uid, mutating=True)["allowed"], sent
        decision = decide.validate(decoded.facts, POLICY)
        answer = verify(codec.encode_decision(decoded, decision), uid=decoded.uid, mutating=False)
        assert answer["allowed"] is decision.allowed
        assert not (answer["allowed"] and _must_be_denied(decoded.facts)), sent
        answered += 1
        denied += not decision.allowed
    assert REVIEWS_PER_SEED / 2 < answered < REVIEWS_PER_SEED, "the mixture has become one-sided"
    assert 0 < denied < answered
