# LLMOS in a container: not root, nothing to compile at run time, everything it keeps in /data.
#
#   docker build -t llmos .
#   docker run --rm -it -v llmos-data:/data llmos models pull smollm2-135m
#   docker run --rm -it -v llmos-data:/data llmos chat
#
# A smaller image, for model servers and hosted models only: --build-arg EXTRAS=discord,matrix

FROM python:3.11-slim AS build
ARG EXTRAS=discord,matrix,llm
# Without this index pip takes PyTorch's build for graphics cards, which is gigabytes larger.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot bot
RUN python -m venv /opt/llmos \
 && /opt/llmos/bin/pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" \
      -c constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home llmos
COPY --from=build /opt/llmos /opt/llmos
ENV PATH=/opt/llmos/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/data/huggingface \
    LLMOS_MODELS_DIR=/data/models \
    LLMOS_BOT__DATA_DIR=/data
USER llmos
# config.toml is looked for here; without one the defaults hold.
WORKDIR /config
VOLUME /data
EXPOSE 9464
# Not healthy: the event loop stalls, or nothing answers. For [metrics] listen on another port change this, too.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["llmos"]
CMD ["run"]
