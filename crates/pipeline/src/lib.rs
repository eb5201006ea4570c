//! The only wiring: scan.
