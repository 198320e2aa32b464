"""The sink that writes bundles into the cluster."""

from collections.abc import Callable
from contextlib import suppress

from webhook import ports
from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace as namespaces
from webhook.core import labels
from webhook.core.errors import ConflictError, NotFoundError
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
        """Raises ConflictError with reason ForeignObject when the object is not ours to write."""
        manifest, observed = change.manifest, change.observed
        path = _path(manifest)
        if change.action is Action.CREATE:
            written = await self._create(path, manifest)
        elif change.action is Action.APPLY:
            written = await self._transport.apply(path, manifest, force=True)
        else:
            assert observed is not None
            written = await self._renew(change.action, path, manifest, observed)
        self._wrote(written)

    async def set_condition(self, namespace: str, condition: Condition) -> None:
        path = f"{resources.NAMESPACES.path('', namespace)}/status"
        since = condition.since or self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = namespaces.status_patch(namespace, condition, since=since)
        self._wrote(await self._transport.apply(path, patch, force=True))

    async def _create(self, path: str, manifest: Manifest) -> Manifest:
        """POST, because an apply would merge into an object that somebody else has put in our place."""
        try:
            return await self._transport.create(path.rpartition("/")[0], manifest)
        except ConflictError as error:
            if not await self._is_ours(path):
                raise ConflictError(
                    "it exists and was not made by ns-provisioner; remove or rename it",
                    code=error.code,
                    reason="ForeignObject",
                ) from error
        return await self._transport.apply(path, manifest, force=True)

    async def _is_ours(self, path: str) -> bool:
        """Whether we made the object, whatever became of its labels; one that is gone is in no one's way."""
        try:
            live = await self._transport.get(path)
        except NotFoundError:
            return True
        owners = live["metadata"].get("managedFields") or ()
        return any(owner.get("manager") == labels.MANAGER for owner in owners)

    async def _renew(self, action: Action, path: str, manifest: Manifest, observed: Manifest) -> Manifest:
        metadata = observed["metadata"]
        if action is Action.REPLACE:
            version = {"resourceVersion": metadata["resourceVersion"]}
            return await self._transport.replace(
                path, {**manifest, "metadata": {**manifest["metadata"], **version}}
            )
        with suppress(NotFoundError):  # gone already is what was wanted
            await self._transport.delete(path, uid=metadata["uid"])
        return await self._create(path, manifest)


def _path(manifest: Manifest) -> str:
    key = key_of(manifest)
    return resources.BUNDLE[key.kind].path(manifest["metadata"]["namespace"], key.name)
