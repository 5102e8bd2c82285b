# The gateway alone: one binary, the mappings, no shell tools of its own, not root.
#
#   docker build -t cara-gateway .
#   docker run -v /etc/cara:/etc/cara:ro -v cara-data:/var/lib/cara -p 8443:8443 cara-gateway
#
# /etc/cara/gateway.toml names the store, the socket and the secrets; put what is written under
# /var/lib/cara.
FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY src src
COPY mappings mappings
# Targets that the manifest names but the image does not need.
COPY tests tests
COPY benches benches
COPY examples examples
RUN cargo build --release --locked --bin cara-gateway

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/cara --create-home cara
COPY --from=build /build/target/release/cara-gateway /usr/local/bin/cara-gateway
COPY --from=build /build/mappings /usr/share/cara/mappings
USER cara
WORKDIR /var/lib/cara
VOLUME /var/lib/cara
# For forces (mutual TLS). Health and metrics listen on loopback unless gateway.toml says otherwise.
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/cara-gateway"]
CMD ["serve", "--config", "/etc/cara/gateway.toml"]
