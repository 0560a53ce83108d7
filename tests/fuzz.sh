#!/usr/bin/env bash
# Runs every fuzz target: `tests/fuzz.sh [SECONDS] [TARGET…]`, a minute each by default. Meant to be run every night.
# What it finds lies in fuzz/artifacts/<target>; copy it to tests/corpus/fuzz/<target>, where `cargo test` reads it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-60}"
shift || true
version=0.13.2
cache="${XDG_CACHE_HOME:-$HOME/.cache}/eks-mcp"
export CARGO_TERM_COLOR=never
# libFuzzer needs flags of the compiler that only nightly has; this lets the stable one take them.
export RUSTC_BOOTSTRAP=1

if ! "$cache/tools/bin/cargo-fuzz" --version 2>/dev/null | grep -qF "$version"; then
  CARGO_TARGET_DIR="$cache/tools-target" cargo install cargo-fuzz --version "$version" --locked --quiet --root "$cache/tools"
  rm -rf "$cache/tools-target"
fi
export PATH="$cache/tools/bin:$PATH"
export CARGO_TARGET_DIR="$cache/fuzz-target"

if [ $# -eq 0 ]; then
  mapfile -t targets < <(cargo fuzz list)
else
  targets=("$@")
fi
failed=()
for target in "${targets[@]}"; do
  printf '\n== %s, %s s\n' "$target" "$seconds"
  known="tests/corpus/fuzz/$target"
  mkdir -p "fuzz/corpus/$target" "$known"
  cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$known" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 2>&1 | tail -n 40 || failed+=("$target")
done
if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfound something: %s; see fuzz/artifacts\n' "${failed[*]}"
  exit 1
fi
