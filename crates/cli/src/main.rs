//! Arguments, terminal, exit codes.

fn main() {}
