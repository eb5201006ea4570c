//! One sentence: parse the arguments, run the command, say how it went by the exit code.

mod args;
mod commands;
mod exit;
mod memory;
mod terminal;

/// Many small, short-lived strings are made per event: this allocator halves their cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    exit::code(commands::run(&args::parse()))
}
