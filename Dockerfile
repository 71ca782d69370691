# Built in two steps so that the image holds no compiler, no cache and no test tools.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/restock
COPY requirements.lock ./
RUN /opt/restock/bin/pip install --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY tools tools
COPY agent agent
COPY api api
RUN /opt/restock/bin/pip install --no-deps --no-build-isolation . \
 && /opt/restock/bin/python -m compileall -q /opt/restock/lib

FROM python:3.11-slim
ENV PATH=/opt/restock/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000 \
    DATABASE_URL=sqlite:////data/restock.db CHECKPOINT_PATH=/data/checkpoints.db
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home restock \
 && install --directory --owner=restock /data
COPY --from=build /opt/restock /opt/restock
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/ready', timeout=2)"]
ENTRYPOINT ["restock"]
CMD ["serve"]
