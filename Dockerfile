# Two stages: a wheel with its pinned requirements, then only what runs.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && python -m venv /app && /app/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /app/bin/pip install --no-cache-dir --no-deps /wheel/*.whl

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="ns-provisioner" \
      org.opencontainers.image.description="Kubernetes namespaces that arrive with their guardrails on" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
# Byte code is written at build time: the root file system is read-only when it runs.
RUN python -m compileall -q /app/lib
ENV PATH=/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    NSP_ADMISSION_LISTEN=:8443 NSP_API_LISTEN=:8080 NSP_HEALTH_LISTEN=:8081
USER 65532:65532
EXPOSE 8443 8080 8081
ENTRYPOINT ["nsp"]
CMD ["serve"]
