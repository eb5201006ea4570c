//! What a decoding thread remembers of the records before: identities, permissions and clients,
//! by their JSON text.
//!
//! A log repeats them thousands of times, and parsing, masking and copying them was half the cost
//! of decoding a `Metadata` log. A text that is remembered is not looked into again. It is a cache
//! and nothing else: what is in it never changes an answer, and it is bounded in places and bytes.
//! It holds unmasked text and therefore stays inside of this crate.

use trailhound_model::{
    Shared, Str,
    event::{Status, User},
};

/// Places of each kind; a newcomer replaces whoever has its place.
const PLACES: usize = 2048;
/// Longer texts are not remembered.
const MAX_TEXT: usize = 2048;

/// Values by the text that they were made of.
#[derive(Clone)]
pub(crate) struct Recent<T> {
    places: Vec<Option<(String, Shared<T>)>>,
}

impl<T> Default for Recent<T> {
    fn default() -> Recent<T> {
        Recent { places: Vec::new() }
    }
}

impl<T> Recent<T> {
    /// The value of this text, made by `make` if it is not remembered; `None` if it cannot be.
    pub(crate) fn get(
        &mut self,
        text: &str,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<Shared<T>> {
        if text.len() > MAX_TEXT {
            return make().map(Shared::from);
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let at = hash(text.as_bytes()) >> 40;
        let place = self.places.get_mut(usize::try_from(at).unwrap_or_default() % PLACES)?;
        if let Some((known, value)) = place
            && known == text
        {
            return Some(value.clone());
        }
        let value = Shared::from(make()?);
        match place {
            Some((known, old)) => {
                known.clear();
                known.push_str(text);
                *old = value.clone();
            }
            None => *place = Some((text.to_owned(), value.clone())),
        }
        Some(value)
    }
}

/// All that is remembered.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) users: Recent<User>,
    /// One for requests about Secrets, whose annotations are masked more strictly, one for others.
    pub(crate) annotations: [Recent<Vec<(Str, Str)>>; 2],
    pub(crate) addresses: Recent<Vec<Str>>,
    pub(crate) agents: Recent<Str>,
    pub(crate) statuses: Recent<Status>,
}

impl std::fmt::Debug for Memory {
    /// What is remembered is not masked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

/// Spreads texts over places. Texts that collide only push one another out, so it need not stand
/// up to anybody.
fn hash(text: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [text.len() as u64, ODD];
    let (chunks, rest) = text.as_chunks::<16>();
    for chunk in chunks {
        let (low, high) = chunk.split_at(8);
        lanes[0] = (lanes[0] ^ word(low)).wrapping_mul(ODD).rotate_left(29);
        lanes[1] = (lanes[1] ^ word(high)).wrapping_mul(ODD).rotate_left(31);
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    let last = lanes[0] ^ word(low) ^ lanes[1].rotate_left(17) ^ word(high).rotate_left(7);
    let mixed = last.wrapping_mul(ODD);
    (mixed ^ mixed >> 29).wrapping_mul(ODD)
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_once_and_another_text_in_its_place_is_not_taken_for_it() {
        let mut recent = Recent::<usize>::default();
        for round in 0..3 {
            for n in 0..10_000_usize {
                let text = format!("{{\"username\":\"user-{n}\"}}");
                let made = recent.get(&text, || Some(n));
                assert_eq!(made.as_deref(), Some(&n), "round {round}");
            }
        }
        assert_eq!(recent.get("once", || Some(1)).as_deref(), Some(&1));
        assert_eq!(recent.get("once", || Some(2)).as_deref(), Some(&1));
        assert!(recent.get("damaged", || None).is_none());
    }

    #[test]
    fn long_texts_are_not_remembered() {
        let mut recent = Recent::<usize>::default();
        let text = "x".repeat(MAX_TEXT + 1);
        assert_eq!(recent.get(&text, || Some(1)).as_deref(), Some(&1));
        assert_eq!(recent.get(&text, || Some(2)).as_deref(), Some(&2));
    }
}
