"""`/livez`, `/readyz` and `/metrics` on a plain side port."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webhook import telemetry

Check = Callable[[], str | None]
"""Says what is wrong, or None when all is well."""

_EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(checks: Mapping[str, Check], metrics: telemetry.Metrics) -> list[Route]:
    """`/readyz` lists every check, so that a person sees which one fails."""

    def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(request: Request) -> Response:
        findings = {name: check() for name, check in checks.items()}
        lines = [f"[-]{name}: {wrong}" if wrong else f"[+]{name} ok" for name, wrong in findings.items()]
        status = 503 if any(findings.values()) else 200
        return PlainTextResponse("\n".join(lines) + "\n", status)

    def exposition(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=_EXPOSITION_TYPE)

    endpoints = {"/livez": livez, "/readyz": readyz, "/metrics": exposition}
    return [Route(path, _inline(endpoint)) for path, endpoint in endpoints.items()]


def _inline(endpoint: Callable[[Request], Response]) -> Callable[[Request], object]:
    """Run on the event loop: a plain function would cost a thread hop for nothing."""

    async def run(request: Request) -> Response:
        return endpoint(request)

    return run
