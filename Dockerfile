# The gallery over HTTP, for docker compose: see docs/how-to/serve-at-scale.md. The package needs torch, here the one for CPUs;
# what computes embeddings is ONNX Runtime or OpenVINO, where they agree with it.
FROM python:3.13-slim-trixie
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.11,<2.14"
COPY . /source
RUN pip install --no-cache-dir "/source[calibration,export,milvus,postgresql,serve]" && rm -r /source
ENV SCALEREID_CACHE=/tmp/scalereid
USER 1000:1000
ENTRYPOINT ["scalereid"]
