//! Names that no two clusters share: whoever keys on a name of one will not find it in another.

use crate::random::Random;

const STARTS: [&str; 24] = [
    "al", "ber", "cor", "dan", "el", "fir", "gan", "hel", "in", "jo", "ka", "lun", "mer", "nor",
    "or", "pel", "quin", "ras", "sol", "tor", "ul", "ver", "wes", "zan",
];
const MIDDLES: [&str; 16] =
    ["a", "be", "ci", "do", "e", "fa", "ga", "hi", "la", "mo", "na", "pa", "ri", "sa", "te", "vo"];
const ENDS: [&str; 16] = [
    "dar", "dex", "fin", "gate", "ion", "lo", "lyn", "mar", "na", "nix", "ra", "rix", "sen", "tan",
    "ta", "via",
];
const APPS: [&str; 28] = [
    "api", "web", "worker", "gateway", "auth", "search", "mail", "queue", "cache", "report",
    "billing", "export", "import", "feed", "image", "session", "stock", "price", "notify",
    "ledger", "profile", "catalog", "router", "proxy", "scoring", "orders", "metrics", "admin",
];
const FIRST: [&str; 30] = [
    "ada", "ben", "carla", "deniz", "eva", "finn", "gita", "hana", "igor", "jana", "karim", "lea",
    "milo", "nina", "omar", "paula", "quentin", "rosa", "samir", "tara", "ugo", "vera", "wim",
    "xenia", "yuri", "zoe", "mateo", "lin", "aiko", "sven",
];

/// A made-up word.
pub(super) fn word(random: &mut Random) -> String {
    let pick =
        |random: &mut Random, all: &[&str]| random.pick(all).copied().unwrap_or("x").to_owned();
    let middle = if random.chance(600) { pick(random, &MIDDLES) } else { String::new() };
    format!("{}{middle}{}", pick(random, &STARTS), pick(random, &ENDS))
}

/// An application: one of a kind that everybody has, with a word of its own.
pub(super) fn app(random: &mut Random) -> String {
    let kind = random.pick(&APPS).copied().unwrap_or("app");
    match random.below(3) {
        0 => format!("{}-{kind}", word(random)),
        1 => format!("{kind}-{}", word(random)),
        _ => word(random),
    }
}

/// A person.
pub(super) fn person(random: &mut Random) -> String {
    let first = random.pick(&FIRST).copied().unwrap_or("kim");
    format!("{first}.{}", word(random))
}

/// A version such as `1.17.3`.
pub(super) fn version(random: &mut Random) -> String {
    format!("{}.{}.{}", random.between(0, 4), random.between(1, 31), random.below(9))
}
