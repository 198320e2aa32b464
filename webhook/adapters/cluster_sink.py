"""The sink that writes bundles into the cluster."""

from collections.abc import Callable
from contextlib import suppress

from webhook import ports
from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace as namespaces
from webhook.core import labels, plan
from webhook.core.errors import ConflictError, ForeignObjectError, NotFoundError
from webhook.core.model import Action, Change, Condition, Manifest, key_of


class ClusterSink:
    """Implements ports.Sink. `wrote` is told every object as the server returned it."""

    def __init__(
        self, transport: Transport, *, clock: ports.Clock, wrote: Callable[[Manifest], None]
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._wrote = wrote

    async def write(self, change: Change) -> None:
        """Raises ForeignObjectError when the object is not ours to write."""
        manifest, observed = change.manifest, change.observed
        path = _path(manifest)
        if change.action is Action.PRUNE:
            await self._prune(path, manifest)
            return
        if change.action is Action.CREATE:
            written = await self._create(path, manifest, change.adoption)
        elif change.action is Action.RESTORE:
            written = await self._restore(path, manifest)
        else:
            assert observed is not None
            written = await self._mend(change.action, path, manifest, observed)
        self._wrote(written)

    async def set_condition(self, namespace: Manifest, condition: Condition) -> None:
        metadata = namespace["metadata"]
        since = condition.since or self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = namespaces.status_patch(metadata["name"], condition, since=since, uid=metadata["uid"])
        path = f"{resources.NAMESPACES.path('', metadata['name'])}/status"
        self._wrote(await self._transport.apply(path, patch))

    async def set_expiry(self, namespace: Manifest, expires_at: int | None) -> None:
        """Set the label platform/expires-at (Unix seconds), or take it away."""
        await self._mark(namespace, "labels", labels.EXPIRES_AT, expires_at)

    async def set_idle_since(self, namespace: Manifest, since: int | None) -> None:
        await self._mark(namespace, "annotations", labels.IDLE_SINCE, since)

    async def _mark(self, namespace: Manifest, part: str, key: str, seconds: int | None) -> None:
        """The uid in it has the patch refused (422) where a namesake has taken the place."""
        name, uid = namespace["metadata"]["name"], namespace["metadata"]["uid"]
        mark = {key: None if seconds is None else str(seconds)}
        body = {"metadata": {"uid": uid, part: mark}}
        self._wrote(await self._transport.merge(resources.NAMESPACES.path("", name), body))

    async def _create(self, path: str, manifest: Manifest, adoption: str) -> Manifest:
        """POST, because an apply would merge into an object that somebody else has put in our place."""
        try:
            return await self._post(path, manifest)
        except ConflictError as error:
            live = await self._live(path)
            if live is None:
                return await self._post(path, manifest)
            if not _is_ours(live) and not plan.may_adopt(manifest, live, adoption):
                message = "it exists and was not made by ns-provisioner; remove or rename it"
                raise ForeignObjectError(message, code=error.code, reason=error.reason) from error
        return await self._put_right(path, manifest, live)

    async def _prune(self, path: str, manifest: Manifest) -> None:
        """DELETE, unless somebody has only copied our labels onto an object of their own."""
        live = await self._live(path)
        if live is None:
            return
        if not _is_ours(live):
            raise ForeignObjectError("it has our labels and was not made by ns-provisioner; take them off")
        await self._remove(path, live)

    async def _restore(self, path: str, manifest: Manifest) -> Manifest:
        """POST; where something stands in the way it is ours, whatever was made of it, and put right."""
        live = await self._live(path)
        if live is None:
            return await self._post(path, manifest)
        return await self._put_right(path, manifest, live)

    async def _put_right(self, path: str, manifest: Manifest, live: Manifest) -> Manifest:
        mending = plan.action(manifest, live)
        return live if mending is None else await self._mend(mending, path, manifest, live)

    async def _mend(self, action: Action, path: str, manifest: Manifest, current: Manifest) -> Manifest:
        metadata = current["metadata"]
        if action is Action.APPLY:
            return await self._transport.apply(path, manifest)
        if action is Action.REPLACE:
            version = {"resourceVersion": metadata["resourceVersion"]}
            return await self._transport.replace(
                path, {**manifest, "metadata": {**manifest["metadata"], **version}}
            )
        await self._remove(path, current)
        return await self._post(path, manifest)

    async def _remove(self, path: str, current: Manifest) -> None:
        """DELETE, and before that take off what would keep the object from going."""
        metadata = current["metadata"]
        with suppress(NotFoundError):  # gone already is what was wanted
            if metadata.get("finalizers"):
                body = {"metadata": {"uid": metadata["uid"], "finalizers": None}}
                await self._transport.merge(path, body)
            await self._transport.delete(path, uid=metadata["uid"])

    async def _post(self, path: str, manifest: Manifest) -> Manifest:
        return await self._transport.create(path.rpartition("/")[0], manifest)

    async def _live(self, path: str) -> Manifest | None:
        try:
            return await self._transport.get(path)
        except NotFoundError:
            return None


def _is_ours(live: Manifest) -> bool:
    """Whether we made the object, whatever has become of its labels since."""
    owners = live["metadata"].get("managedFields") or ()
    return any(owner.get("manager") == labels.MANAGER for owner in owners)


def _path(manifest: Manifest) -> str:
    key = key_of(manifest)
    return resources.BUNDLE[key.kind].path(manifest["metadata"]["namespace"], key.name)
