# syntax=docker/dockerfile:1

# The version of Debian is the same in both stages, so that the binary finds the C library it was linked with.
FROM rust:1.95.0-bookworm AS builder
WORKDIR /build
COPY . .
# Shown by `eks-mcp --version`; a build context has no git history to read it from.
ARG EKS_MCP_COMMIT
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin eks-mcp \
    && install -D target/release/eks-mcp /out/eks-mcp

FROM gcr.io/distroless/cc-debian12:nonroot
# The MCP registry takes an image only if this label equals the name in server.json.
LABEL io.modelcontextprotocol.server.name="io.github.eks-mcp/eks-mcp" \
    org.opencontainers.image.title="eks-mcp" \
    org.opencontainers.image.description="MCP server for Amazon EKS" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="https://github.com/eks-mcp/eks-mcp"
COPY --from=builder /out/eks-mcp /usr/local/bin/eks-mcp
# `nonroot` by number: Kubernetes verifies `runAsNonRoot` on numbers only.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/eks-mcp"]
CMD ["serve"]
