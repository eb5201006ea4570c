//! A small keyed hash for choosing new names. Our own, because names must stay the same with every
//! version of the compiler; no secret depends on it.

/// A keyed hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash {
    seed: u64,
}

impl Hash {
    /// The hash with this key.
    pub(super) fn new(seed: u64) -> Hash {
        Hash { seed }
    }

    /// The hash of some bytes.
    pub(super) fn of(self, bytes: &[u8]) -> u64 {
        let start = mix(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        mix(bytes.iter().fold(start, |state, byte| mix(state ^ u64::from(*byte))))
    }

    /// The hash of some bytes and a number, for another choice after a clash.
    pub(super) fn again(self, bytes: &[u8], attempt: u32) -> u64 {
        mix(self.of(bytes) ^ (u64::from(attempt) << 32 | 1))
    }

    /// A stream of choices that belongs to some bytes.
    pub(super) fn stream(self, bytes: &[u8], attempt: u32) -> impl FnMut() -> u64 {
        let mut state = self.again(bytes, attempt);
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        }
    }
}

/// The finalizer of `SplitMix64`.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
