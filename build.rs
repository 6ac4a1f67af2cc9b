//! Compiles `src/memory.c` for the static Linux program. Nothing else is built here.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/memory.c");
    #[cfg(feature = "cli")]
    if is("ENV", "musl") && is("ARCH", "x86_64") {
        // The program's own objects need these functions, so the linker takes them from here before it reaches the C library.
        cc::Build::new()
            .file("src/memory.c")
            .opt_level(2)
            .flag("-ffreestanding")
            .flag_if_supported("-fno-tree-loop-distribute-patterns")
            .compile("passwave_memory");
    }
}

#[cfg(feature = "cli")]
fn is(what: &str, value: &str) -> bool {
    std::env::var(format!("CARGO_CFG_TARGET_{what}")).is_ok_and(|found| found == value)
}
