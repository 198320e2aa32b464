# Two stages: a wheel with its pinned requirements, then only what runs. docs/image.md says what is in it.
# A release passes BASE by digest (docs/release.md); the tag alone is for trying things out.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Seconds since 1970 that go into the wheel in place of the clock: the same sources, the same wheel.
ARG SOURCE_DATE_EPOCH=315532800
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
# The build's tools live and stay in /tools, so /app has no pip and no setuptools to begin with.
RUN python -m venv /tools \
 && python -m venv --without-pip /app \
 && /tools/bin/python -m pip install --require-hashes --only-binary=:all: -r requirements/build.txt \
 && /tools/bin/python -m pip --python /app/bin/python install --no-compile \
      --require-hashes --only-binary=:all: -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
RUN /tools/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /tools/bin/python -m pip --python /app/bin/python install --no-compile --no-deps --no-index /wheel/*.whl
# Byte code is made now: the root file system is read-only when it runs. Nobody asks the sources again.
RUN /app/bin/python -m compileall -q -j 0 --invalidation-mode=unchecked-hash /app/lib

FROM ${BASE}
# The base comes with installers and without byte code of the standard library; here it is the other way round.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
 && python -m compileall -q -j 0 --invalidation-mode=unchecked-hash /usr/local/lib
COPY --from=build /app /app
ENV PATH=/app/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    NSP_ADMISSION_LISTEN=:8443 NSP_API_LISTEN=:8080 NSP_HEALTH_LISTEN=:8081
# What changes from build to build comes last, so that it makes no layer anew.
ARG BASE
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="ns-provisioner" \
      org.opencontainers.image.description="Kubernetes namespaces that arrive with their guardrails on" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"
USER 65532:65532
EXPOSE 8443 8080 8081
ENTRYPOINT ["nsp"]
CMD ["serve"]
