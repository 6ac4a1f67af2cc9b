//! The program `passwave`: see `cli/`.

#![forbid(unsafe_code)]

mod cli;

/// For the static program: the allocator of its C library is slow.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
