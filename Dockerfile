# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/sheaf ./cmd/sheaf

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --no-install-recommends -y ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 sheaf \
    && useradd --system --uid 10001 --gid sheaf --home-dir /data --no-create-home --shell /usr/sbin/nologin sheaf \
    && install -d -o sheaf -g sheaf -m 0700 /data
COPY --from=build /out/sheaf /usr/local/bin/sheaf
USER 10001:10001
ENV SHEAF_ADDR=:8080 SHEAF_DATA=/data
VOLUME /data
EXPOSE 8080
# A process without pages (work, migrate) has nothing to be asked: the compose
# file turns the check off there.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["sheaf", "doctor", "--ready"]
ENTRYPOINT ["sheaf"]
CMD ["serve"]
