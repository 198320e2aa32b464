"""Single questions to an API server whose answer, whatever it is, is a value and no exception."""

import asyncio
from collections.abc import Awaitable, Iterable

from webhook.adapters.kube.transport import Transport
from webhook.core.diagnosis.model import Access, Asked, Probe, Reply
from webhook.core.errors import ClusterError
from webhook.core.model import Manifest

_REVIEWS = "/apis/authorization.k8s.io/v1"
_DRY_RUN = "/api/v1/namespaces?dryRun=All"


async def get(transport: Transport, path: str) -> Reply:
    return await _reply(transport.get(path))


async def every(transport: Transport, paths: Iterable[str]) -> list[Reply]:
    """The answers to all of them, asked at once; a path may be of a collection."""
    return await asyncio.gather(*(get(transport, path) for path in paths))


async def listed(transport: Transport, collection: str) -> Reply:
    """All objects of a collection, however many pages it has, under `items`."""
    return await _reply(_all(transport, collection))


async def tried(transport: Transport, probe: Probe | None) -> tuple[Probe, Reply] | None:
    """What became of a creation as a dry run: admission is gone through, and nothing is stored."""
    return None if probe is None else (probe, await _reply(transport.create(_DRY_RUN, probe.manifest)))


async def may(transport: Transport, accesses: Iterable[Access], user: str = "") -> list[Asked]:
    """Whether `user` may do each; empty means us. How many are asked at once, the transport bounds."""
    return await asyncio.gather(*(_may(transport, user, access) for access in accesses))


async def _may(transport: Transport, user: str, access: Access) -> Asked:
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    spec = {"resourceAttributes": _attributes(access), **({"user": user} if user else {})}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    reply = await _reply(transport.create(f"{_REVIEWS}/{kind.lower()}s", review))
    if reply.content is None:
        return Asked(user, access, None, reply.text)
    return Asked(user, access, (reply.content.get("status") or {}).get("allowed") is True)


def _attributes(access: Access) -> Manifest:
    resource, _, subresource = access.resource.partition("/")
    stated = {
        "verb": access.verb,
        "group": access.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": access.namespace,
        "name": access.name,
    }
    return {key: value for key, value in stated.items() if value}


async def _all(transport: Transport, collection: str) -> Manifest:
    return {"items": [item async for page in transport.pages(collection, {}) for item in page["items"]]}


async def _reply(answer: Awaitable[Manifest]) -> Reply:
    try:
        return Reply(await answer)
    except ClusterError as error:
        return Reply(None, error.code, str(error))
