# Reproducible: everything is pinned by digest or by hash, and all files of the pushed layers have one
# time stamp, so that two builds of one commit are the same image, bit by bit:
#   docker build --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" .
# There is no `# syntax` line: it would fetch a frontend to build with.

FROM ghcr.io/astral-sh/uv:0.13.0@sha256:cdc6093146eb3ff6a40107b38f008b789e050e77ad87865e381d9917da55a168 AS uv

FROM gcr.io/distroless/python3-debian13:nonroot@sha256:0e52dfee02b1aba142e77b004f6ea11210b79456b51f10d70e9bd631cbc21d98 AS runtime


FROM debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f AS builder
# The newest patch of both packages is wanted, and nothing of them gets into the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils python3.13 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=uv /uv /usr/local/bin/
ENV UV_LINK_MODE=copy \
    UV_NO_PROGRESS=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON=/usr/bin/python3.13 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src


# Behind a proxy that ends TLS, with its certificate authority:
#   docker build --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
FROM builder AS dependencies
# EXTRA=otel adds what OTEL_EXPORTER_OTLP_ENDPOINT needs.
ARG EXTRA=
RUN --mount=type=secret,id=ca \
    --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi \
    && uv sync --frozen --no-dev --no-install-project --no-editable ${EXTRA:+--extra "$EXTRA"}
RUN --mount=type=bind,source=deploy/image/slim.py,target=/slim.py \
    python3.13 /slim.py /opt/venv


FROM builder AS application
COPY . .
RUN --mount=type=secret,id=ca \
    --mount=type=cache,target=/root/.cache/uv \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi \
    && uv build --wheel --out-dir /wheel \
        --build-constraints deploy/image/build-constraints.txt --require-hashes \
    && uv venv /opt/venv \
    && uv pip install --no-cache --no-deps --python /opt/venv/bin/python /wheel/*.whl \
    && install -m 0755 deploy/image/entrypoint.py /opt/venv/bin/scholarship-api
RUN python3.13 deploy/image/slim.py --keep-script scholarship-api /opt/venv


# Distroless has no bytecode, and the running image cannot write any: without bytecode a start takes
# twice as long. It is compiled by the same Python that will read it.
FROM runtime AS compiler
# The user of a stage that is thrown away; the image has its own.
# hadolint ignore=DL3002
USER 0
ENV PYTHONHASHSEED=0
COPY deploy/image/bytecode.py /

FROM compiler AS compiled-python
RUN ["/usr/bin/python3.13", "/bytecode.py", "--standard-library", "/out"]

FROM compiler AS compiled-dependencies
COPY --from=dependencies /opt/venv /out/opt/venv
RUN ["/usr/bin/python3.13", "/bytecode.py", "/out"]

FROM compiler AS compiled-application
COPY --from=application /opt/venv /out/opt/venv
RUN ["/usr/bin/python3.13", "/bytecode.py", "/out"]


# One layer each, from what changes least to what changes most. A RUN here would not be reproducible.
FROM runtime
COPY --from=compiled-python /out/ /
COPY --from=compiled-dependencies /out/ /
COPY --from=compiled-application /out/ /
# Without settings it refuses to start, instead of serving a development setup. With --read-only and
# no tmpfs, /dev/shm is the only place to write to.
ENV ENVIRONMENT=production \
    PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/dev/shm
USER 65532:65532
# The base image's /home/nonroot is closed to any other user, which some platforms assign.
WORKDIR /
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/venv/bin/python", "-m", "scholarship_api.healthcheck"]
ENTRYPOINT ["/opt/venv/bin/scholarship-api"]
CMD ["start"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Scholarship Discovery & Search API" \
    org.opencontainers.image.description="Students find awards they can win, providers keep them current." \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="gcr.io/distroless/python3-debian13:nonroot" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
