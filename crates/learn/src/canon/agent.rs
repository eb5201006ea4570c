//! What the client says it is: family, version, system, component.
//!
//! A new family or system behind a known identity says much, a new version little: programs are
//! upgraded. The client writes all of it, at any length and in any bytes, so what is kept is short,
//! in plain characters, and of what makes no sense only that it makes none.

use crate::symbol::{Sort, Symbol};
use serde::{Deserialize, Serialize};
use trailhound_model::{Str, agent};

/// A user agent in symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Family, system and component.
    pub program: Symbol,
    /// Family and minor version.
    pub version: Symbol,
    /// It says that it is a tool used by hand.
    pub by_hand: bool,
}

/// A user agent taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// `kubectl`; `none` if there is no user agent, `garbage` if it makes no sense.
    pub family: Str,
    /// `1.29`, or empty.
    pub minor: Str,
    /// `linux/amd64`, or empty.
    pub system: Str,
    /// What a program with many parts says after its commit: `leader-election`, a controller.
    pub component: Str,
}

/// Longest family and component.
const LONGEST: usize = 48;

impl Agent {
    /// The symbols of a user agent.
    pub fn of(text: &str) -> Agent {
        Parts::of(text).symbols()
    }
}

impl Parts {
    /// Takes a user agent apart.
    pub fn of(text: &str) -> Parts {
        let text = text.trim();
        if text.is_empty() {
            return Parts { family: "none".into(), ..Parts::default() };
        }
        let head = text.split(' ').next().unwrap_or_default();
        let (family, version) = head.split_once('/').unwrap_or((head, ""));
        let Some(family) = family_of(family) else {
            return Parts { family: "garbage".into(), ..Parts::default() };
        };
        Parts { family, minor: minor(version), system: system(text), component: component(text) }
    }

    /// The symbols.
    pub fn symbols(&self) -> Agent {
        Agent {
            program: Symbol::of(Sort::Agent, &[&self.family, &self.system, &self.component]),
            version: Symbol::of(Sort::Version, &[&self.family, &self.minor]),
            by_hand: agent::is_hand_tool(&self.family),
        }
    }

    /// Family, system and component in words.
    pub fn text(&self) -> String {
        let mut out = self.family.to_string();
        if !self.system.is_empty() {
            out = format!("{out} on {}", self.system);
        }
        if !self.component.is_empty() {
            out = format!("{out} ({})", self.component);
        }
        out
    }
}

/// The family in lower case; numbers of three digits and more, and ids, are data.
fn family_of(text: &str) -> Option<Str> {
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'#' | b'*');
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
        return None;
    }
    let lower = Str::from(text).to_ascii_lowercase();
    let found = super::name::template("", "", &lower, &());
    if found.form != super::name::Form::Plain {
        return Some(found.text);
    }
    Some(without_numbers(&lower))
}

fn without_numbers(text: &str) -> Str {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut out = Str::default();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let run = digits(rest);
        let taken = if run >= 3 { run } else { next.len_utf8() };
        out.push(if run >= 3 { '#' } else { next });
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// `1.29` of `v1.29.3-eks-ae9a62a`; empty if it is no version.
fn minor(version: &str) -> Str {
    let version = version.trim_start_matches('v');
    let mut parts = version.split('.');
    let number = |part: Option<&str>| -> Option<Str> {
        let part = part?;
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        (1..=4).contains(&digits).then(|| part.get(..digits).unwrap_or_default().into())
    };
    match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) => [major.as_str(), ".", minor.as_str()].concat().into(),
        (Some(major), None) => major,
        _ => Str::default(),
    }
}

const SYSTEMS: &[&str] =
    &["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "plan9", "windows"];

/// `linux/amd64` in parentheses, as Go programs write it; of browsers only the system.
fn system(text: &str) -> Str {
    let Some(inner) = text.split_once('(').and_then(|(_, rest)| rest.split_once(')')) else {
        return Str::default();
    };
    let lower = inner.0.to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'/';
    if let Some((os, _)) = lower.split_once('/')
        && SYSTEMS.contains(&os)
        && lower.len() <= 24
        && lower.bytes().all(plain)
    {
        return lower.into();
    }
    let named =
        [("windows", "windows"), ("mac os", "darwin"), ("linux", "linux"), ("x11", "linux")];
    named.iter().find(|(mark, _)| lower.contains(mark)).map_or("", |(_, os)| *os).into()
}

/// The text after the commit: `…) kubernetes/98b3519/leader-election`.
fn component(text: &str) -> Str {
    let Some((_, after)) = text.split_once(") ") else { return Str::default() };
    let mut parts = after.splitn(3, '/');
    let (Some(_), Some(_), Some(part)) = (parts.next(), parts.next(), parts.next()) else {
        return Str::default();
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'.' | b'_');
    if part.is_empty() || part.len() > 3 * LONGEST || !part.bytes().all(plain) {
        return Str::default();
    }
    let last = part.rsplit(':').next().unwrap_or(part);
    super::name::template("", "", last, &()).text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_taken_apart() {
        for (text, family, minor, system, component) in [
            (
                "kubectl/v1.29.3 (linux/amd64) kubernetes/6813625",
                "kubectl",
                "1.29",
                "linux/amd64",
                "",
            ),
            (
                "kubectl/v1.36.2-eks-1 (darwin/arm64) kubernetes/98b3519",
                "kubectl",
                "1.36",
                "darwin/arm64",
                "",
            ),
            (
                "kubelet/v1.36.2 (linux/amd64) kubernetes/98b3519",
                "kubelet",
                "1.36",
                "linux/amd64",
                "",
            ),
            (
                "kube-scheduler/v1.36.2 (linux/amd64) kubernetes/98b3519/leader-election",
                "kube-scheduler",
                "1.36",
                "linux/amd64",
                "leader-election",
            ),
            (
                "kube-controller-manager/v1.36.2 (linux/amd64) kubernetes/98b3519/system:serviceaccount:kube-system:job-controller",
                "kube-controller-manager",
                "1.36",
                "linux/amd64",
                "job-controller",
            ),
            ("Helm/3.15.4", "helm", "3.15", "", ""),
            ("Go-http-client/2.0", "go-http-client", "2.0", "", ""),
            ("curl/8.5.0", "curl", "8.5", "", ""),
            ("python-requests/2.31.0", "python-requests", "2.31", "", ""),
            (
                "manager/v0.0.0 (linux/amd64) kubernetes/$Format",
                "manager",
                "0.0",
                "linux/amd64",
                "",
            ),
            ("__debug_bin1234567/v0.0.0 (linux/amd64)", "__debug_bin#", "0.0", "linux/amd64", ""),
            ("HashiCorp/1.0 Terraform/1.9.5", "hashicorp", "1.0", "", ""),
            ("OpenAPI-Generator/29.0.0/python", "openapi-generator", "29.0", "", ""),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
                "mozilla",
                "5.0",
                "windows",
                "",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Gecko", "mozilla", "5.0", "darwin", ""),
            ("ELB-HealthChecker/2.0", "elb-healthchecker", "2.0", "", ""),
            (
                "velero-server/v1.14.1 (linux/amd64) 8afe3cea8b70",
                "velero-server",
                "1.14",
                "linux/amd64",
                "",
            ),
            (
                "e2e.test/v1.30.0 (linux/amd64) kubernetes/7c48c2b -- [sig-api] x",
                "e2e.test",
                "1.30",
                "linux/amd64",
                "",
            ),
            ("app-x7k2p/v1", "app-*", "1", "", ""),
            ("", "none", "", "", ""),
            ("   ", "none", "", "", ""),
            ("<script>alert(1)</script>", "garbage", "", "", ""),
            ("${jndi:ldap://x}", "garbage", "", "", ""),
            ("\u{202e}lrucl/1", "garbage", "", "", ""),
        ] {
            let parts = Parts::of(text);
            let found = (
                parts.family.as_str(),
                parts.minor.as_str(),
                parts.system.as_str(),
                parts.component.as_str(),
            );
            assert_eq!(found, (family, minor, system, component), "{text}");
        }
    }

    #[test]
    fn an_upgrade_changes_the_version_and_not_the_program() {
        let old = Agent::of("kubectl/v1.29.3 (linux/amd64) kubernetes/6813625");
        let new = Agent::of("kubectl/v1.30.1 (linux/amd64) kubernetes/98b3519");
        let mac = Agent::of("kubectl/v1.29.3 (darwin/arm64) kubernetes/6813625");
        assert_eq!(old.program, new.program);
        assert_ne!(old.version, new.version);
        assert_ne!(old.program, mac.program);
        assert!(old.by_hand && !Agent::of("argocd/v2").by_hand);
    }

    #[test]
    fn a_long_agent_is_garbage_and_stays_short() {
        let parts = Parts::of(&"x".repeat(100_000));
        assert_eq!(parts.family, "garbage");
        let component = format!("a/v1 (linux/amd64) b/c/{}", "y".repeat(100_000));
        assert_eq!(Parts::of(&component).component, "");
    }
}
