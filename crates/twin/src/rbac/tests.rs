//! Rights against a judge of the plainest form, and the mishaps that a log can hold.

mod brute;
mod made;
mod mishaps;
