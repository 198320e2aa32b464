"""Reads the key `teams` of a catalogue: what each team's namespaces may have together."""

from webhook.core.document import Document
from webhook.core.policy import EVERY_TEAM, Budget

KEYS = ("namespaces", "quota")


def read(document: Document, value: object) -> dict[str, Budget]:
    """Budgets by team. What is not said has no limit."""
    stated = {str(team): body for team, body in document.mapping("teams", value).items()}
    document.names("teams", [team for team in stated if team != EVERY_TEAM])
    return {team: _budget(document, f"teams.{team}", body) for team, body in stated.items()}


def _budget(document: Document, path: str, value: object) -> Budget:
    stated = document.mapping(path, value, optional=KEYS)
    namespaces = stated.get("namespaces")
    quota = stated.get("quota", {})
    return Budget(
        namespaces=document.count(f"{path}.namespaces", namespaces, least=0)
        if "namespaces" in stated
        else None,
        quota={} if quota == {} else document.quota(f"{path}.quota", quota),
    )
