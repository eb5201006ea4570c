//! A small reader of our own HTML, strict where browsers are lenient: every tag that is opened is
//! closed in order, every id is there once, every link within the page leads somewhere, and nothing
//! is loaded from anywhere.

use std::collections::BTreeSet;

const VOID: [&str; 10] =
    ["meta", "input", "br", "wbr", "use", "path", "circle", "rect", "line", "img"];

/// Everything between `<` and `>`, without the style sheet.
pub fn tags(page: &str) -> Vec<&str> {
    let (head, tail) = page.split_once("<style>").unwrap();
    let (style, body) = tail.split_once("</style>").unwrap();
    assert!(!style.contains('<') && !style.contains("url(") && !style.contains("@import"));
    let tags = |text| -> Vec<&str> {
        str::split(text, '<').skip(1).map(|rest| rest.split_once('>').unwrap().0).collect()
    };
    let mut all = tags(head);
    all.extend(tags(body));
    all
}

/// Whether a template of ours wrote this tag.
pub fn is_ours(tag: &str) -> bool {
    let forbidden = ["script", "img", "iframe", "object", "embed", "link", "base", "form"];
    // Attribute names only: what stands between quotes is a value.
    let names: String = tag.split('"').step_by(2).collect::<String>().to_lowercase();
    let loads = [" on", " style", " src", "javascript", "'", "`"];
    tag.matches('"').count().is_multiple_of(2)
        && !forbidden.contains(&name(tag))
        && !loads.iter().any(|name| names.contains(name))
}

fn name(tag: &str) -> &str {
    tag.trim_start_matches('/').split([' ', '/']).next().unwrap()
}

fn values<'a>(tags: &[&'a str], attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    tags.iter()
        .filter_map(|tag| Some(tag.split_once(start.as_str())?.1.split_once('"').unwrap().0))
        .collect()
}

/// Panics if the page is not as this file's first lines say.
pub fn assert_well_formed(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"));
    let tags = tags(page);
    let mut open: Vec<&str> = Vec::new();
    for tag in &tags {
        assert!(is_ours(tag), "{tag}");
        match name(tag) {
            name if tag.starts_with('!') || VOID.contains(&name) || tag.ends_with('/') => {}
            name if tag.starts_with('/') => assert_eq!(open.pop(), Some(name)),
            name => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let ids = values(&tags, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is there twice");
    for link in values(&tags, "href") {
        assert!(unique.contains(link.strip_prefix('#').unwrap()), "{link} leads nowhere");
    }
}
