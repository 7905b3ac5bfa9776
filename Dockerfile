# Nexus and everything it starts, in one container; docker-compose.yml says how it is run. BASE_IMAGE is any Debian with Python 3.11
# or newer and its venv module.
ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE}

WORKDIR /opt/nexus
ENV NEXUS_VENV=/opt/venv \
    NEXUS_DATA=/data \
    NEXUS_BIND=0.0.0.0

# The environment in a layer of its own, made anew only when the lock file has changed. There is no Nexus to start in it as yet.
COPY nexus requirements.lock ./
COPY bot/platform/environment.py bot/platform/
RUN ./nexus --help >/dev/null 2>&1 || true; test -f /opt/venv/.nexus-stamp

COPY bot bot
COPY adapters adapters
COPY core core

VOLUME /data
EXPOSE 8080
CMD ["./nexus", "up"]
