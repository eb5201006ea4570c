//! Turns bytes from files and standard input into events or rejects, with positions; masks.
