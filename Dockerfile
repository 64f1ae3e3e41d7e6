# The server's image: `docker build -t ecp .`, then `docker run -p 50051:50051 -p 9464:9464 ecp`.
# Written and read through, but not yet built: no container engine stood where it was made. Only linux/amd64: regopy has no other wheels.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The dependencies first: this layer changes only with the pins.
COPY requirements/ requirements/
RUN python -m venv /opt/ecp \
 && /opt/ecp/bin/pip install --requirement requirements/server.txt \
 && pip install --constraint requirements/dev.txt hatchling
COPY pyproject.toml README.md LICENSE ./
COPY catalogs/ catalogs/
COPY protos/ protos/
COPY ecp_client/ ecp_client/
COPY ecp_server/ ecp_server/
RUN python -m hatchling build --target wheel --directory /dist \
 && /opt/ecp/bin/pip install --no-deps /dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/ecp --create-home ecp
COPY --from=build /opt/ecp /opt/ecp
ENV PATH=/opt/ecp/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/ecp
VOLUME /var/lib/ecp
USER 10001
EXPOSE 50051 9464
# Docker asks as Kubernetes does, through grpc.health.v1; 1 is SERVING.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-c", "\
import grpc; \
from grpc_health.v1 import health_pb2, health_pb2_grpc; \
health = health_pb2_grpc.HealthStub(grpc.insecure_channel('127.0.0.1:50051')); \
raise SystemExit(health.Check(health_pb2.HealthCheckRequest(), timeout=2).status != 1)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ecp-server"]
CMD ["serve"]
