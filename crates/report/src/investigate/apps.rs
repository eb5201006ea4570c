//! `apps`: what runs in the cluster as a person would name it, and one of them in full.

use super::{Basis, closing, fact, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use serde::Serialize;
use trailhound_investigate::apps::{App, AppDetail};

/// All applications.
#[derive(Debug, Serialize)]
pub struct Apps {
    /// By namespace and name.
    pub apps: Vec<App>,
}

/// Pods and kinds of use that are shown unless everything is asked for.
const SHOWN: usize = 15;

/// The applications for a terminal.
pub fn apps(answer: &Apps, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(
        &mut page,
        basis,
        &format!("{}.", words::counted(answer.apps.len() as u64, "application")),
    );
    let mut namespace = "";
    for app in &answer.apps {
        if app.namespace != namespace {
            page.heading(2, &format!("namespace {}", app.namespace));
            namespace = &app.namespace;
        }
        let pods = words::counted(app.pods as u64, "pod");
        let accounts: Vec<String> = app.service_accounts.iter().map(ToString::to_string).collect();
        let who = match accounts.as_slice() {
            [] => String::new(),
            _ => format!(" · as {}", words::listed(&accounts, 3)),
        };
        let text = format!(
            "{}{} · {pods}, {} left{who}",
            app.name,
            unless_proved(app.surety),
            app.pods_left
        );
        page.paragraph(4, &text, Ink::Plain);
    }
    closing(&mut page, basis);
    page.finish()
}

/// One application for a terminal.
pub fn app(answer: &AppDetail, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    let app = &answer.app;
    let pods = words::counted(app.pods as u64, "pod");
    let text =
        format!("Application {}/{}{}: {pods}.", app.namespace, app.name, unless_proved(app.surety));
    opening(&mut page, basis, &text);
    page.blank();
    let listed =
        |names: Vec<String>| words::listed(&names, if style.verbose { usize::MAX } else { SHOWN });
    fact(
        &mut page,
        "workloads",
        &listed(app.workloads.iter().map(|one| words::named(one)).collect()),
    );
    for (name, values) in [
        ("service accounts", &app.service_accounts),
        ("images", &app.images),
        ("secrets", &answer.secrets),
        ("config maps", &answer.config_maps),
        ("services", &answer.services),
        ("ingresses", &answer.ingresses),
        ("nodes", &answer.nodes),
    ] {
        fact(&mut page, name, &listed(values.iter().map(ToString::to_string).collect()));
    }
    let limit = if style.verbose { usize::MAX } else { SHOWN };
    for one in answer.deployers.iter().take(limit) {
        let acts = words::counted(one.acts, "time");
        let text =
            format!("{}, {acts}, {}", words::named(&one.who), words::period(one.first, one.last));
        fact(&mut page, "deployed by", &text);
    }
    for one in answer.api.iter().take(limit) {
        let refused =
            if one.denied > 0 { format!(", {} refused", one.denied) } else { String::new() };
        let text = format!(
            "{} by {}: {}{refused}",
            one.action,
            one.account,
            words::counted(one.count, "request")
        );
        fact(&mut page, "uses the API", &text);
    }
    for pod in answer.pods.iter().take(limit) {
        let end = pod.end.map(|end| format!(" to {}", words::moment(end)));
        let text = format!(
            "{} · {}{} {}",
            pod.name,
            words::moment(pod.begin),
            end.unwrap_or_default(),
            pod.node
        );
        fact(&mut page, "pod", &text);
    }
    let left = answer.pods.len().saturating_sub(limit) + answer.pods_left_out;
    if left > 0 {
        fact(&mut page, "", &format!("… and {} more", words::counted(left as u64, "pod")));
    }
    closing(&mut page, basis);
    page.finish()
}
