//! Credentials in command lines: after a flag that is named like one, and where well-known
//! programs take a password under a short flag.

use super::names;
use std::ops::Range;

/// How a program takes a password.
enum Way {
    /// Glued to the flag: `-pSECRET`.
    Glued(&'static str),
    /// In the next argument: `-a SECRET`.
    Next(&'static str),
    /// In the next argument behind a sign: `-u user:SECRET`.
    After(&'static str, char),
}

/// Programs whose short flags carry passwords.
const PROGRAMS: &[(&str, &[Way])] = &[
    ("mysql", &[Way::Glued("-p")]),
    ("mysqldump", &[Way::Glued("-p")]),
    ("mysqladmin", &[Way::Glued("-p")]),
    ("mysqlimport", &[Way::Glued("-p")]),
    ("mariadb", &[Way::Glued("-p")]),
    ("mariadb-dump", &[Way::Glued("-p")]),
    ("mongo", &[Way::Next("-p")]),
    ("mongosh", &[Way::Next("-p")]),
    ("mongodump", &[Way::Next("-p")]),
    ("sshpass", &[Way::Glued("-p"), Way::Next("-p")]),
    ("redis-cli", &[Way::Next("-a"), Way::Glued("-a")]),
    ("curl", &[Way::After("-u", ':'), Way::After("--user", ':'), Way::After("--proxy-user", ':')]),
    ("docker", &[Way::Next("-p")]),
    ("podman", &[Way::Next("-p")]),
    ("nerdctl", &[Way::Next("-p")]),
    ("crane", &[Way::Next("-p")]),
    ("helm", &[Way::Next("-p")]),
    ("az", &[Way::Next("-p")]),
    ("ldapsearch", &[Way::Next("-w")]),
    ("ldapmodify", &[Way::Next("-w")]),
    ("ldapadd", &[Way::Next("-w")]),
    ("smbclient", &[Way::After("-U", '%')]),
    ("sqlcmd", &[Way::Next("-P"), Way::Glued("-P")]),
    ("zip", &[Way::Next("-P")]),
    ("vault", &[Way::Next("login")]),
];

/// For each argument, the ranges of credentials in it that its neighbours tell about.
pub(crate) fn credentials(argv: &[&str]) -> Vec<Vec<Range<usize>>> {
    let mut found: Vec<Vec<Range<usize>>> = vec![Vec::new(); argv.len()];
    let mut ways: &[Way] = &[];
    for (index, argument) in argv.iter().enumerate() {
        if let Some((_, known)) = PROGRAMS.iter().find(|(name, _)| *name == base_name(argument)) {
            ways = known;
        }
        let next = argv.get(index + 1).copied().unwrap_or_default();
        if let Some(range) = own(argument, ways)
            && let Some(ranges) = found.get_mut(index)
        {
            ranges.push(range);
        }
        let before = index.checked_sub(1).and_then(|at| argv.get(at)).copied().unwrap_or_default();
        if let Some(range) = following(before, argument, next, ways)
            && let Some(ranges) = found.get_mut(index + 1)
        {
            ranges.push(range);
        }
    }
    found
}

fn base_name(argument: &str) -> &str {
    argument.rsplit('/').next().unwrap_or_default()
}

/// A credential that is glued to its own flag.
fn own(argument: &str, ways: &[Way]) -> Option<Range<usize>> {
    if let Some(rest) = argument.strip_prefix("pass:") {
        return Some(argument.len() - rest.len()..argument.len());
    }
    ways.iter().find_map(|way| match way {
        Way::Glued(flag) => {
            let rest = argument.strip_prefix(flag)?;
            let is_value = !rest.is_empty() && !rest.starts_with('$');
            is_value.then_some(flag.len()..argument.len())
        }
        Way::After(flag, sign) => {
            let rest = argument.strip_prefix(flag)?.trim_start_matches('=');
            let at = rest.find(*sign)? + 1;
            Some(argument.len() - rest.len() + at..argument.len())
        }
        Way::Next(_) => None,
    })
}

/// A credential in the argument behind this one.
fn following(before: &str, argument: &str, next: &str, ways: &[Way]) -> Option<Range<usize>> {
    if next.is_empty() || next.starts_with('$') {
        return None;
    }
    let whole = Some(0..next.len());
    let name = argument.trim_start_matches('-');
    let is_flag = argument.starts_with('-') && name.len() > 1;
    if is_flag && !next.starts_with('-') && name != "secret" && names::is_credential_name(name) {
        return if next.starts_with('/') && next.matches('/').count() > 1 { None } else { whole };
    }
    if argument == "--from-literal" {
        return next.find('=').map(|sign| sign + 1..next.len());
    }
    if before == "set" && names::is_credential_name(argument) {
        return whole;
    }
    ways.iter().find_map(|way| match way {
        Way::Next(flag) if argument == *flag && !next.starts_with('-') => Some(0..next.len()),
        Way::After(flag, sign) if argument == *flag => {
            next.find(*sign).map(|at| at + 1..next.len())
        }
        _ => None,
    })
}
