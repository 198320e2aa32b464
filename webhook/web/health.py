"""`/livez`, `/readyz` and `/metrics` on a plain side port."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webhook import telemetry

Check = Callable[[], str | None]
"""Says what is wrong, or None when all is well."""

Informer = Callable[[], str]
"""Says something worth knowing that makes nobody unready."""

_EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(
    checks: Mapping[str, Check], metrics: telemetry.Metrics, informers: Mapping[str, Informer] | None = None
) -> list[Route]:
    """`/readyz` is `ok`, or lists every check so that a person sees which one fails.

    `/readyz?verbose` always lists them, with what the informers have to say.
    """
    informers = informers if informers is not None else {}

    def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(request: Request) -> Response:
        findings = {name: check() for name, check in checks.items()}
        ready = not any(findings.values())
        if ready and "verbose" not in request.query_params:
            return PlainTextResponse("ok\n")
        lines = [f"[-]{name}: {wrong}" if wrong else f"[+]{name} ok" for name, wrong in findings.items()]
        lines += [f"[ ]{name}: {informer()}" for name, informer in informers.items()]
        lines.append("readyz check passed" if ready else "readyz check failed")
        return PlainTextResponse("\n".join(lines) + "\n", 200 if ready else 503)

    def exposition(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=_EXPOSITION_TYPE)

    endpoints = {"/livez": livez, "/readyz": readyz, "/metrics": exposition}
    return [Route(path, _inline(endpoint)) for path, endpoint in endpoints.items()]


def _inline(endpoint: Callable[[Request], Response]) -> Callable[[Request], object]:
    """Run on the event loop: a plain function would cost a thread hop for nothing."""

    async def run(request: Request) -> Response:
        return endpoint(request)

    return run
