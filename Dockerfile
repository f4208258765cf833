# Two stages: the first builds the environment, the second carries it without a compiler, as a user who is not root.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/fewclick
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY alcore alcore
COPY prompts prompts
COPY app app
# The lock holds the versions; what the tests alone need stays out, since only fewclick's own requirements are followed.
RUN /opt/fewclick/bin/pip install --no-cache-dir --no-compile -c requirements.lock .

FROM python:3.11-slim-bookworm
COPY --from=build /opt/fewclick /opt/fewclick
RUN useradd --create-home --uid 1000 fewclick && mkdir /workspace && chown fewclick /workspace
USER fewclick
WORKDIR /home/fewclick
ENV PATH=/opt/fewclick/bin:$PATH PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 GRADIO_ANALYTICS_ENABLED=False
VOLUME /workspace
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/v1/health', timeout=4)"]
# A container listens beyond loopback, so `serve` asks for a token: docker run -e FEWCLICK_TOKEN=... -p 127.0.0.1:7860:7860 ...
CMD ["sh", "-c", "fewclick init /workspace && exec fewclick serve /workspace --host 0.0.0.0 --port 7860"]
