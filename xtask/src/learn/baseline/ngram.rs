//! How unlikely a request is after the ones before: n-grams of kinds of requests with interpolated
//! Kneser–Ney smoothing. Repeats of a request that follow each other are one.

use super::{ByHash, Hours, Weigh};
use crate::learn::detector::{Detector, Scores, Seen};
use trailhound_learn::symbol::{Symbol, Table};

/// What is taken from each count for what was never seen.
const DISCOUNT: f64 = 0.75;

/// Whose sequences are learned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::learn) enum Scope {
    /// Each identity's own.
    Own,
    /// Those of all of its class.
    Class,
}

/// Finds unlikely sequences.
#[derive(Debug)]
pub(in crate::learn) struct Ngram {
    model: Model,
    scope: Scope,
    last: ByHash<[Symbol; 2]>,
    hours: Hours,
}

impl Ngram {
    /// One that has seen nothing, of bigrams or trigrams.
    pub(in crate::learn) fn new(trigrams: bool, scope: Scope, weigh: Weigh) -> Ngram {
        let model = Model { trigrams, ..Model::default() };
        Ngram { model, scope, last: ByHash::default(), hours: Hours::new(weigh) }
    }
}

impl Detector for Ngram {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let row = seen.row;
        let scope = match self.scope {
            Scope::Own => row.who.key,
            Scope::Class => Symbol(row.who.class as u64),
        };
        let word = row.at_place;
        let last = self.last.entry(row.who.key.0).or_default();
        if last[1] == word {
            return;
        }
        let before = *last;
        *last = [before[1], word];
        let likely = self.model.next(scope, before, word);
        self.hours.add(seen, word.0, -likely.ln(), "action", out);
    }

    fn finish(&mut self, out: &mut Scores) {
        self.hours.close(out);
    }
}

/// Counts of one order: of a context with a word, of the context, and its different words.
#[derive(Debug, Default)]
struct Order {
    words: ByHash<u32>,
    contexts: ByHash<(u32, u32)>,
}

impl Order {
    /// Counts; whether the word is new after this context.
    fn add(&mut self, context: Symbol, word: Symbol) -> bool {
        let count = self.words.entry(context.with(word).0).or_default();
        *count += 1;
        let (all, different) = self.contexts.entry(context.0).or_default();
        *all += 1;
        *different += u32::from(*count == 1);
        *count == 1
    }

    fn likely(&self, context: Symbol, word: Symbol, lower: f64) -> f64 {
        let Some((all, different)) = self.contexts.get(&context.0) else { return lower };
        let count = f64::from(self.words.get(&context.with(word).0).copied().unwrap_or(0));
        let (all, different) = (f64::from(*all), f64::from(*different));
        (count - DISCOUNT).max(0.0) / all + DISCOUNT * different / all * lower
    }
}

#[derive(Debug, Default)]
struct Model {
    trigrams: bool,
    /// By the two words before, or by the one before if there are only bigrams.
    whole: Order,
    /// By the one word before, each pair counted once per word before it.
    middle: Order,
    /// Each word counted once per word before it.
    single: Order,
    /// All words of all.
    words: Table<()>,
}

impl Model {
    /// How likely the word is after those before; then it is learned.
    fn next(&mut self, scope: Symbol, [far, near]: [Symbol; 2], word: Symbol) -> f64 {
        let (one, two) = (scope.with(near), scope.with(far).with(near).at(2));
        // Whoever is new has no words of his own: all words of all are as likely as each other.
        self.words.insert(word.0, ());
        let base = 1.0 / (self.words.len() as f64 + 1.0);
        let mut likely = self.single.likely(scope, word, base);
        if self.trigrams {
            likely = self.middle.likely(one, word, likely);
            likely = self.whole.likely(two, word, likely);
            if self.whole.add(two, word) && self.middle.add(one, word) {
                self.single.add(scope, word);
            }
            return likely;
        }
        likely = self.whole.likely(one, word, likely);
        if self.whole.add(one, word) {
            self.single.add(scope, word);
        }
        likely
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(trigrams: bool) -> Model {
        let mut model = Model { trigrams, ..Model::default() };
        let words = b"abcabcabdabcabcabc".map(|word| Symbol(u64::from(word)));
        for place in 2..words.len() {
            model.next(Symbol(1), [words[place - 2], words[place - 1]], words[place]);
        }
        model
    }

    fn likely(model: &mut Model, before: [u8; 2], word: u8) -> f64 {
        let of = |letter: u8| Symbol(u64::from(letter));
        model.next(Symbol(1), before.map(of), of(word))
    }

    #[test]
    fn what_mostly_follows_is_likely_and_what_never_did_is_not() {
        for trigrams in [false, true] {
            let model = || text(trigrams);
            let often = likely(&mut model(), *b"ab", b'c');
            let rare = likely(&mut model(), *b"ab", b'd');
            let never = likely(&mut model(), *b"ab", b'z');
            assert!(
                often > 0.7 && rare < 0.2 && never < rare && never > 0.0,
                "{often} {rare} {never}"
            );
        }
    }

    #[test]
    fn likelihoods_of_all_words_sum_to_no_more_than_one() {
        for trigrams in [false, true] {
            let letters = b"abcd";
            let sum: f64 = letters.iter().map(|l| likely(&mut text(trigrams), *b"ab", *l)).sum();
            assert!(sum <= 1.0 + 1e-9 && sum > 0.8, "{sum}");
        }
    }
}
