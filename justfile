# The checks of CI and the gate, by name. Without `just`, call the scripts directly.

# List the recipes.
default:
    @just --list

# Everything that must hold before a change is merged.
gate:
    .ci/run

# Formatting, lints and documentation.
lint:
    .ci/lint

# Each feature alone, and none.
features:
    .ci/features

# All tests, or those that ARGS name: `just test --test simulation looking`.
test *ARGS:
    cargo test --locked {{ARGS}}

# Rewrite the snapshots of the output.
snapshots:
    TRYCMD=overwrite cargo test --locked --test cli

# The lowest supported Rust.
msrv:
    .ci/msrv

# Windows from Linux: lints, and tests under Wine.
windows:
    .ci/windows

# macOS from Linux: lints.
macos:
    .ci/macos

# The program as released.
dist:
    cargo build --locked --profile dist
