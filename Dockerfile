# syntax=docker/dockerfile:1
# Identra in a container; docs/operate/containers.md tells how it is used.
ARG PYTHON=docker.io/library/python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
RUN python3 -m venv /app/venv && python3 -m venv /build
COPY ansible/roles/identra/files/requirements.lock build.lock ./
RUN /app/venv/bin/pip install --require-hashes --no-deps -r requirements.lock \
    && /build/bin/pip install --require-hashes --no-deps -r build.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY identra identra
COPY plugins plugins
COPY proto proto
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /app/venv/bin/pip install --no-deps --no-index /wheels/identra-*.whl \
    && /app/venv/bin/python -m pip uninstall --yes pip \
    && mkdir -m 700 /app/data

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Identra" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Kept for compose files of the original service, which build two images by it.
ARG SERVICE=identra-grpc
ENV SERVICE=${SERVICE} \
    PATH=/app/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    IDENTRA_HTTP_HOST=0.0.0.0 \
    IDENTRA_GRPC_HOST=0.0.0.0
COPY --from=build /app/venv /app/venv
COPY --from=build --chown=65532:65532 /app/data /app/data
COPY --chmod=755 containers/start /app/start
WORKDIR /app
# The database and the master key that SQLite's makes by itself: both outlive the container.
VOLUME /app/data
USER 65532:65532
EXPOSE 8080 50051
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/app/start", "healthy"]
ENTRYPOINT ["/app/start"]
CMD ["serve"]
