"""The admission role: the only one without credentials for the API server."""

from webhook.adapters import tls
from webhook.adapters.certificate import CertificateWatcher, ServingCertificate
from webhook.adapters.polling import Poller
from webhook.web import admission, app
from webhook.web.record import Recorder
from webhook.web.server import Listener
from webhook.wiring.context import Context, Service


def services(context: Context) -> list[Service]:
    """The listener, and what keeps its certificate fresh."""
    settings = context.settings
    assert settings.tls_cert is not None  # settings.load saw to it
    assert settings.tls_key is not None
    serving = ServingCertificate(settings.tls_cert, settings.tls_key, settings.admission_client_ca)
    watcher = CertificateWatcher(serving, clock=context.clock, metrics=context.metrics, log=context.log)
    recorder = Recorder(context.metrics, context.log, allowed_every=settings.log_allowed_every)
    listener = Listener(
        app.build(admission.routes(context.policy, context.clock, recorder)),
        *settings.admission_listen,
        flag="--admission-listen",
        tls=serving.context,
        admits=tls.admits(settings.admission_client_subjects) if settings.admission_client_ca else None,
        refused=lambda reason: context.metrics.refused_connections.labels(reason).inc(),
        quiet=settings.drain_quiet,
        grace=settings.drain_grace,
    )
    context.checks["admission"] = listener.unready
    context.checks["certificate"] = watcher.expired
    context.informers["certificate"] = watcher.days_left
    context.announce("admission", settings.admission_listen, listener)
    return [listener, Poller(watcher.look)]
