# The lessons in a container, on the processor, for a user without rights. docs/where_it_runs.md says how to use it.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home learner \
    && mkdir /lessons \
    && chown learner /lessons
USER learner
WORKDIR /lessons

# The packages first: they change seldom, and this layer is kept.
COPY --chown=learner Makefile pyproject.toml README.md LICENSE LICENSE-lessons.md requirements.lock ./
COPY --chown=learner scripts/set_up.py scripts/
COPY --chown=learner helpers helpers
RUN make set-up
COPY --chown=learner . .
RUN make data && mkdir -p notebooks/runs

EXPOSE 8888
HEALTHCHECK --interval=30s --start-period=60s \
    CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8888/api', timeout=5)"]
CMD [".venv/bin/python", "scripts/lab.py", "--no-browser", "--ip=0.0.0.0", "--port=8888"]
