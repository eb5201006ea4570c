//! How things are said, once for every format: counts, sizes, spans of time, names of entities and
//! of ways to move. A reader meets these words in the terminal, in the HTML report and in tickets;
//! they must be the same everywhere, and they must not need knowledge of Kubernetes.

mod coverage;
pub(crate) mod hand;
pub(crate) mod site;
mod techniques;

pub(crate) use coverage::{
    blind, blind_reason, blind_sentence, cluster, coverage, families, gap, log_facts, rejected,
    scope, sentence, titles, undecided, undecided_sentence, unmet, what_was_read,
};
pub(crate) use techniques::technique;

use crate::{advice, sanitize, text::wrap};
use std::collections::BTreeSet;
use trailhound_model::{
    finding::{Finding, FindingKind, Severity},
    incident::{Answer, Incident, Reachable, Step, question},
    scan::Scan,
    time::{HOUR, MINUTE, SECOND, Time},
};

/// Severities from worst to least, as reports list them.
pub(crate) const WORST_FIRST: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// The answer in one sentence: what a reader who stops after the first line must know. Says it too
/// if a file was not wholly read.
pub fn verdict(scan: &Scan) -> String {
    let nothing = scan.incidents.is_empty() && scan.input.events > 0;
    let answer = if nothing { nothing_found(scan) } else { headline(scan) };
    match unread(scan) {
        Some(note) => format!("{answer} {note}"),
        None => answer,
    }
}

/// The answer alone.
pub(crate) fn headline(scan: &Scan) -> String {
    match scan.incidents.len() as u64 {
        0 if scan.input.events == 0 => "No events were read, so nothing can be said.".to_owned(),
        0 => "Nothing found.".to_owned(),
        total if scan.incidents.iter().any(is_serious) => {
            format!("{}: {}.", counted(total, "incident"), by_severity(scan))
        }
        total => {
            format!("Nothing found at medium or above; {}.", counted(total, "minor observation"))
        }
    }
}

/// That files were not wholly read.
pub(crate) fn unread(scan: &Scan) -> Option<String> {
    match scan.input.unread.len() {
        0 => None,
        1 => Some("1 file was not wholly read.".to_owned()),
        files => Some(format!("{files} files were not wholly read.")),
    }
}

/// "Nothing" means little without who looked and who could not.
fn nothing_found(scan: &Scan) -> String {
    let rules = scan.rules.len() as u64;
    let blind = blind(scan).len();
    let looked = format!(
        "Nothing found: {} looked at {}",
        counted(rules, "rule"),
        counted(scan.input.events, "event")
    );
    match blind {
        0 => format!("{looked}."),
        1 => format!("{looked}; 1 of them could not see what it looks for."),
        _ => format!("{looked}; {blind} of them could not see what they look for."),
    }
}

/// Whether an incident needs somebody: medium or above.
pub(crate) fn is_serious(incident: &Incident) -> bool {
    incident.severity >= Severity::Medium
}

/// `1 critical, 2 high`: worst first, without zeros.
fn by_severity(scan: &Scan) -> String {
    let counts = WORST_FIRST.iter().filter_map(|severity| {
        let count = scan.incidents.iter().filter(|one| one.severity == *severity).count();
        (count > 0).then(|| format!("{count} {}", severity.as_str()))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// `1 incident`, `3 incidents`, `12,004 events`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => {
            format!("{} {stem}ies", thousands(count))
        }
        _ => format!("{} {noun}s", thousands(count)),
    }
}

/// `12,004`
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.2 GB`, in powers of 1,000 as disks and `ls --si` count.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if value < 999.5 || unit == "TB" {
            return match unit {
                "bytes" if count == 1 => "1 byte".to_owned(),
                "bytes" => format!("{count} bytes"),
                _ if value < 9.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    String::new()
}

/// A number out of a sentence: counts as counts, others with two digits.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}{}", thousands(value.abs() as u64))
    } else {
        format!("{value:.2}")
    }
}

/// `less than a second`, `45 seconds`, `6 minutes`, `3 h 20 min`, `2 days`.
pub(crate) fn span(micros: i64) -> String {
    const DAY: i64 = 24 * HOUR;
    let rounded = |unit: i64| (micros.saturating_add(unit / 2) / unit) as u64;
    match micros {
        i64::MIN..SECOND => "less than a second".to_owned(),
        SECOND..MINUTE => counted((micros / SECOND) as u64, "second"),
        MINUTE..HOUR => counted(rounded(MINUTE), "minute"),
        HOUR..DAY => {
            let minutes = rounded(MINUTE);
            match minutes % 60 {
                0 => format!("{} h", minutes / 60),
                rest => format!("{} h {rest} min", minutes / 60),
            }
        }
        _ => counted(rounded(DAY), "day"),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `14 Mar 2026`
pub(crate) fn day(time: Time) -> String {
    let text = time.to_string();
    let parts: Vec<&str> = text.split('T').next().unwrap_or_default().split('-').collect();
    let [year, month, day] = parts.as_slice() else { return text };
    let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    name.map_or(text.clone(), |name| format!("{} {name} {year}", day.trim_start_matches('0')))
}

/// `14 Mar 2026 02:12:41`
pub(crate) fn moment(time: Time) -> String {
    format!("{} {}", day(time), time.clock())
}

/// `14 Mar 2026 02:12:41 to 02:19:05 UTC`, with the second day only if there is one.
pub(crate) fn period(first: Time, last: Time) -> String {
    if first.to_string().get(..19) == last.to_string().get(..19) {
        format!("{} UTC", moment(first))
    } else if day(first) == day(last) {
        format!("{} to {} UTC", moment(first), last.clock())
    } else {
        format!("{} to {} UTC", moment(first), moment(last))
    }
}

/// Name of a number as people say it.
pub(crate) fn number_name(name: &str) -> String {
    match name {
        "prior_actions" => "Times it had done this before".to_owned(),
        "prior_requests" => "Requests it had made before".to_owned(),
        "count" => "Times within the window".to_owned(),
        "distinct" => "Different values within the window".to_owned(),
        other => sentence(&other.replace('_', " ")).trim_end_matches('.').to_owned(),
    }
}

/// Confidence as people say it.
pub(crate) fn sureness(confidence: f64) -> &'static str {
    match confidence {
        0.9.. => "very likely",
        0.7..0.9 => "likely",
        0.4..0.7 => "possible",
        _ => "uncertain",
    }
}

/// How sure it is that at least one finding of an incident is right. The number is in the JSON: two
/// numbers on one page that mean different things read as a contradiction.
pub(crate) fn sure_of_incident(confidence: f64) -> String {
    format!("{} that this is not a false alarm as a whole", sureness(confidence))
}

/// `a, b, c and 4 more`
pub(crate) fn listed(names: &[String], shown: usize) -> String {
    let text = names.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(shown) {
        Some(more @ 1..) => format!("{text} and {more} more"),
        _ => text,
    }
}

/// Standing weaknesses that are part of no incident, worst first.
pub(crate) fn weaknesses(scan: &Scan) -> Vec<&Finding> {
    let in_incidents: BTreeSet<&str> =
        scan.incidents.iter().flat_map(|one| &one.findings).map(String::as_str).collect();
    let stands = |finding: &&Finding| {
        finding.kind == FindingKind::Posture
            && !finding.is_silenced()
            && !in_incidents.contains(finding.id.as_str())
    };
    let mut weak: Vec<&Finding> = scan.findings.iter().filter(stands).collect();
    weak.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    weak
}

/// What the marks on answers mean.
pub(crate) const MARKS: &str = "proved: records of this log show it. inferred: it follows from them, and may be wrong. unknown: nothing in this log says.";

/// What the likelihood of a hop means.
pub(crate) const HOPS_SURE: &str = "In brackets: how likely it is that the one led to the other.";

/// A sentence of what could be reached, with who could if it does not begin with that.
pub(crate) fn reached(reach: &Reachable) -> String {
    let who = named(&reach.from);
    if reach.sentence.to_lowercase().starts_with(&who.to_lowercase()) {
        return sentence(&reach.sentence);
    }
    format!("{}: {}", sentence(&who).trim_end_matches('.'), reach.sentence)
}

/// The answers that stand under their questions; the others have sections of their own, so that
/// nothing is said twice.
pub(crate) fn short_answers(one: &Incident) -> impl Iterator<Item = &Answer> {
    let own = [question::REACH, question::NOW, question::SILENCE];
    one.answers.iter().filter(move |answer| !own.contains(&answer.question.as_str()))
}

fn answer_to<'a>(one: &'a Incident, question: &str) -> Option<&'a Answer> {
    one.answers.iter().find(|answer| answer.question == question)
}

/// What is said of what could be reached beside the ways themselves.
pub(crate) fn about_reach(one: &Incident) -> Vec<String> {
    let told = |sentence: &&String| !one.reach.iter().any(|reach| reach.sentence == **sentence);
    let answer = answer_to(one, question::REACH);
    answer.into_iter().flat_map(|answer| &answer.answer).filter(told).cloned().collect()
}

/// What the log cannot tell.
pub(crate) fn silence(one: &Incident) -> &[String] {
    answer_to(one, question::SILENCE).map_or(&one.unknowns, |answer| &answer.answer)
}

/// The steps to show if there is room for `limit`: the worst, earlier before later, in order.
pub(crate) fn chosen_steps(steps: &[Step], limit: usize) -> Vec<&Step> {
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(steps.get(*index).map(|step| step.severity)));
    order.truncate(limit);
    order.sort_unstable();
    order.iter().filter_map(|index| steps.get(*index)).collect()
}

/// Whether the story tells everything that the steps would.
pub(crate) fn story_is_enough(one: &Incident) -> bool {
    match one.steps.as_slice() {
        [] => true,
        [only] => one.story.contains(&only.text),
        _ => false,
    }
}

/// Who acted, to stand beside a step; empty if its sentence names them anyway.
pub(crate) fn who_beside(step: &Step) -> String {
    let who = named(&step.who);
    let said = step.text.to_lowercase().contains(&who.to_lowercase());
    if said && !who.is_empty() { String::new() } else { who }
}

/// `95%`; a share that is not whole never reads as 100%, nor one that is not nothing as 0%.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        _ if value >= 100.0 => "100%".to_owned(),
        _ if value > 99.9 => "more than 99.9%".to_owned(),
        _ if value > 90.0 => format!("{}%", (value * 10.0 + 1e-6).floor() / 10.0),
        _ if value >= 1.0 => format!("{value:.0}%"),
        _ if value > 0.0 => "less than 1%".to_owned(),
        _ => "0%".to_owned(),
    }
}

/// What a severity asks of the reader.
pub(crate) fn urgency(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "the cluster, or much of it, may be in somebody else’s hands",
        Severity::High => "look at it now",
        Severity::Medium => "look at it today",
        Severity::Low => "look at it when there is time",
        Severity::Info => "worth knowing",
    }
}

/// Kind and name of an entity: `sa:shop/cart` is a "service account" called `shop/cart`.
pub(crate) fn entity(entity: &str) -> (&str, &str) {
    let (kind, name) = entity.split_once(':').unwrap_or(("", entity));
    let spoken = match kind {
        "user" => "user",
        "sa" | "serviceaccount" => "service account",
        "ip" => "address",
        "cred" => "credential",
        "ns" => "namespace",
        "app" => "application",
        "clusterrole" => "cluster role",
        "rolebinding" => "role binding",
        "clusterrolebinding" => "cluster role binding",
        "configmap" => "config map",
        "daemonset" => "daemon set",
        "cronjob" => "cron job",
        "statefulset" => "stateful set",
        "networkpolicy" => "network policy",
        "certificatesigningrequest" => "certificate request",
        "mutatingwebhookconfiguration" | "validatingwebhookconfiguration" => "admission webhook",
        other => other,
    };
    (spoken, name)
}

/// `service account shop/cart`
pub(crate) fn named(text: &str) -> String {
    match entity(text) {
        ("", name) => name.to_owned(),
        (kind, "*") => format!("every {kind}"),
        (kind, name) => match name.strip_suffix("/*") {
            Some(namespace) => format!("every {kind} in {namespace}"),
            None => format!("{kind} {name}"),
        },
    }
}

/// A family of rules in words.
pub(crate) fn family(name: &str) -> &str {
    match name {
        "credentials" => "Credentials",
        "rbac" => "Rights (RBAC)",
        "exploitation" => "Workloads and machines",
        "policy" => "Defences and traces",
        other => other,
    }
}

/// How a breach moved, as the label of an arrow.
pub(crate) fn movement(kind: &str) -> &str {
    match kind {
        "exec" => "ran a command in its pod",
        "token" => "issued a token for it",
        "credential" => "used its credential",
        "create" => "created a workload that runs as it",
        "grant" => "granted it rights",
        "csr" => "had a certificate signed for it",
        "impersonate" => "acted as it",
        "secret" => "read its secret",
        "node" => "took over its node",
        "object" => "made what it used",
        "session" => "went on with it",
        other => other,
    }
}

/// Why a command is to be run, and the command. It may be written bare, with comments (`# why`), or
/// in backquotes within a sentence. What stands in quotes is neither: a name may hold anything.
pub(crate) fn explained(text: &str) -> (String, String) {
    let is_bare = text.lines().any(|line| advice::is_command(line.trim()));
    if !is_bare
        && let Some((before, rest)) = text.split_once('`')
        && let Some((command, after)) = rest.split_once('`')
    {
        let (before, after) = (before.trim().trim_end_matches(':'), after.trim_matches(['.', ' ']));
        return (sanitize::prose(&format!("{before} {after}")), sanitize::prose(command));
    }
    let (mut why, mut command): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        let words = wrap::shell_words(line);
        let code = words.iter().take_while(|word| !word.starts_with('#')).count();
        let (code, comment) = words.split_at(code);
        command.extend(code.iter().filter(|word| **word != "\\"));
        why.extend(comment.iter().map(|word| word.trim_start_matches('#')));
    }
    (sanitize::prose(&why.join(" ")), sanitize::prose(&command.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(counted(1, "incident"), "1 incident");
        assert_eq!(counted(0, "family"), "0 families");
        assert_eq!(counted(2, "day"), "2 days");
        assert_eq!(counted(1_234_567, "event"), "1,234,567 events");
    }

    #[test]
    fn sizes_and_spans() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1500, "1.5 kB"),
            (505_000_000, "505 MB"),
            (999_999, "1.0 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        for (micros, text) in [
            (-5, "less than a second"),
            (45 * SECOND, "45 seconds"),
            (6 * MINUTE, "6 minutes"),
            (200 * MINUTE, "3 h 20 min"),
            (48 * HOUR, "2 days"),
            (i64::MAX, "106,751,991 days"),
        ] {
            assert_eq!(span(micros), text);
        }
    }

    #[test]
    fn a_share_that_is_not_whole_never_reads_as_whole() {
        for (share, text) in [
            (1.0, "100%"),
            (0.999_99, "more than 99.9%"),
            (0.9985, "99.8%"),
            (0.987, "98.7%"),
            (0.93, "93%"),
            (0.5, "50%"),
            (0.001, "less than 1%"),
            (0.0, "0%"),
            (f64::NAN, "0%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn periods_say_the_day_once() {
        let at = |text| Time::parse(text).unwrap();
        let (a, b, c) =
            (at("2026-03-04T02:12:41.5Z"), at("2026-03-04T02:19:05Z"), at("2026-03-05T00:00:00Z"));
        assert_eq!(period(a, a), "4 Mar 2026 02:12:41 UTC");
        assert_eq!(period(a, b), "4 Mar 2026 02:12:41 to 02:19:05 UTC");
        assert_eq!(period(a, c), "4 Mar 2026 02:12:41 to 5 Mar 2026 00:00:00 UTC");
        assert!(!moment(Time(i64::MIN)).is_empty());
    }

    #[test]
    fn a_name_cannot_cut_a_command_short() {
        for (text, why, command) in [
            ("kubectl delete pod a  # ends its token", "ends its token", "kubectl delete pod a"),
            (
                "# it\u{2019}s out\nkubectl get x \\\n  -o yaml",
                "it\u{2019}s out",
                "kubectl get x -o yaml",
            ),
            ("Look at it: `kubectl get x`.", "Look at it", "kubectl get x"),
            ("kubectl get x --as 'a # b `c`'", "", "kubectl get x --as 'a # b `c`'"),
        ] {
            assert_eq!(explained(text), (why.to_owned(), command.to_owned()));
        }
    }

    #[test]
    fn entities_are_said_in_words() {
        for (name, text) in [
            ("sa:shop/cart", "service account shop/cart"),
            ("user:system:anonymous", "user system:anonymous"),
            ("secret:*", "every secret"),
            ("secret:shop/*", "every secret in shop"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(named(name), text);
        }
    }
}
