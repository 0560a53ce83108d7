# The commands of everyday work. `.ci/run` is what decides; these are shortcuts to parts of it.

# What to do when nothing is named.
default: check

# Formatting, lints and documentation, without running anything.
check:
    cargo fmt --check
    git ls-files -z 'src/tools/*/*.rs' | xargs -0 rustfmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked

# Formats every file, those that only a macro names included.
fmt:
    cargo fmt
    git ls-files -z 'src/tools/*/*.rs' | xargs -0 rustfmt

# Every test that needs neither network nor credentials.
test *args:
    cargo test --locked {{ args }}

# Writes the committed contracts and generated documents anew; read the difference before committing it.
regen:
    UPDATE=1 cargo test --locked
    git status --short

# Installs what the live gates need (Python and Node, below target/live) and runs every gate.
live:
    tests/live/install.sh target/live
    .ci/run

# Every gate, as continuous integration runs it.
ci:
    .ci/run

# Licences, banned crates, advisories and sources; needs cargo-deny.
deny:
    cargo deny --locked check
