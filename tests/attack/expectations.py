"""What has to become of a case, by what stands in the way."""

from collections import Counter
from collections.abc import Iterable

from tests.attack.cases import Case
from tests.attack.matrix import WORKERS, Outcome
from tests.attack.stage import KINDS


def everything(outcome: Outcome) -> bool:
    """Webhooks and policies: refused by a rule that is there for it, or else allowed."""
    return _as_expected(outcome, refused=bool(outcome.case.rules))


def policies(outcome: Outcome) -> bool:
    """The policies alone: the same for the rules that they keep."""
    return _as_expected(outcome, refused=outcome.case.by_policy)


def nobody_answers(outcome: Outcome) -> bool:
    """Webhooks that fail closed refuse all they are called for, after the policies had their say."""
    if not outcome.case.asks_webhook or outcome.case.by_policy or outcome.case.by_server:
        return policies(outcome)
    return outcome.reply.refused and "failed calling webhook" in outcome.reply.text


def _as_expected(outcome: Outcome, *, refused: bool) -> bool:
    case, reply = outcome.case, outcome.reply
    if case.by_server or not refused:
        return reply.refused == case.by_server
    return reply.refused and any(f"[{rule}]" in reply.text for rule in case.rules)


def used_up(cases: Iterable[Case]) -> Counter[str]:
    """How many namespaces of each kind the cases need, where changes of namespaces are all refused."""
    gone = Counter(case.target for case in cases if case.wasted or _deletes(case))
    return Counter(dict.fromkeys(KINDS, WORKERS)) + gone


def _deletes(case: Case) -> bool:
    return case.area == "deletion" and not case.rules and not case.dry_run
