//! House-keeping of the workspace: tidy, eval, rename, corpus-diff, bench.

fn main() {}
