#!/usr/bin/env bash
# Installs what the comparison needs into a folder: the other server and a tokenizer, both pinned, from the npm registry.
set -euo pipefail
folder="${1:?usage: benches/peers/install.sh FOLDER}"
mkdir -p "$folder"
npm install --no-audit --no-fund --silent --prefix "$folder" kubernetes-mcp-server@0.0.67 gpt-tokenizer@4.0.0
