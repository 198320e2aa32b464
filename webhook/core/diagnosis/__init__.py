"""Whether an installation works, judged from what was gathered about it.

The judgements are pure functions of Facts, one file for each thing that is looked at. Nothing is asked of
a cluster here: webhook.adapters.kube.checkup gathers, `nsp doctor` prints.
"""

from webhook.core.diagnosis import (
    accounts,
    calls,
    catalogue,
    certificate,
    guards,
    installation,
    leadership,
    neighbours,
    registration,
)
from webhook.core.diagnosis.model import LEVELS, Facts, Finding, Level

_JUDGEMENTS = (
    installation.api_server,
    installation.clock,
    catalogue.judge,
    installation.deployments,
    registration.judge,
    calls.judge,
    certificate.judge,
    guards.judge,
    accounts.judge,
    leadership.judge,
    neighbours.judge,
)


def judge(facts: Facts) -> list[Finding]:
    """Every finding, from what everything rests on to what may only be in the way."""
    if facts.version.content is None:
        return list(installation.api_server(facts))
    return [finding for judgement in _JUDGEMENTS for finding in judgement(facts)]


def worst(findings: list[Finding]) -> Level:
    """The gravest level of all; ok where nothing was found."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")
