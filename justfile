# Shortcuts; everything lives in `cargo xtask`.

demo *arguments:
    cargo xtask demo {{arguments}}

test:
    cargo xtask test

check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo xtask borders
