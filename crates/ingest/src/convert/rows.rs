//! Answers of query services, which are tables: Log Analytics (`tables` of columns and rows) and
//! `CloudWatch` Logs Insights (`results` of rows of field and value).

use super::{object, object::Object, unwrap};
use crate::{
    decode::{Envelope, Run},
    wire::{Raw, Text},
};
use serde::Deserialize;
use std::borrow::Cow;
use trailhound_model::format::Format;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table<'a> {
    #[serde(borrow)]
    columns: Vec<Column<'a>>,
    #[serde(borrow)]
    rows: Option<Raw<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Column<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

const DAMAGED: &str = "an answer of a query whose rows are damaged from here on";

/// One cell of Logs Insights.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cell<'a> {
    #[serde(borrow)]
    field: Text<'a>,
    #[serde(borrow)]
    value: Option<Raw<'a>>,
}

/// Handles the object if it is such an answer; whether it is.
pub(super) fn read(
    run: &mut Run<'_>,
    object: &Object<'_>,
    text: &str,
    envelope: &Envelope,
) -> bool {
    let is_list = |raw: &&str| raw.starts_with('[');
    if let Some(tables) = object.get("tables").filter(is_list) {
        return sonic_rs::from_str::<Vec<Table<'_>>>(tables)
            .is_ok_and(|tables| self::tables(run, &tables, text, envelope));
    }
    object
        .get("results")
        .filter(is_list)
        .is_some_and(|results| insights(run, results, text, envelope))
}

fn tables(run: &mut Run<'_>, tables: &[Table<'_>], text: &str, envelope: &Envelope) -> bool {
    let envelope = Envelope { format: Format::Aks, ..envelope.clone() };
    for table in tables {
        let Some(Raw(Cow::Borrowed(rows))) = &table.rows else { continue };
        for row in elements(rows) {
            let Some(row) = row else {
                run.reject(&envelope, DAMAGED.to_owned());
                break;
            };
            let cells = elements(row).flatten().zip(&table.columns);
            let object = Object::of_row(cells.map(|(cell, column)| (column.name.as_str(), cell)));
            self::row(run, &object, row, &unwrap::within(&envelope, row, text));
        }
    }
    tables.iter().any(|table| !table.columns.is_empty())
}

fn insights(run: &mut Run<'_>, results: &str, text: &str, envelope: &Envelope) -> bool {
    let envelope = Envelope { format: Format::CloudWatch, ..envelope.clone() };
    let mut found = false;
    for row in elements(results) {
        let Some(row) = row else {
            run.reject(&envelope, DAMAGED.to_owned());
            break;
        };
        let Ok(cells) = sonic_rs::from_str::<Vec<Cell<'_>>>(row) else { return found };
        let cells =
            cells.iter().filter_map(|cell| Some((cell.field.as_str(), &*cell.value.as_ref()?.0)));
        let object = Object::of_row(cells);
        self::row(run, &object, row, &unwrap::within(&envelope, row, text));
        found = true;
    }
    found
}

fn row(run: &mut Run<'_>, object: &Object<'_>, row: &str, envelope: &Envelope) {
    if super::of_object(run, object, row, envelope) {
        return;
    }
    match object.text("@message") {
        Some(message) => run.other_text(&message, envelope),
        None => run.reject(
            envelope,
            "a row of a query without a whole audit event; let the query return the whole record"
                .to_owned(),
        ),
    }
}

/// The elements of a JSON list, raw; `None` where the list is damaged, which ends it.
pub(super) fn elements(list: &str) -> impl Iterator<Item = Option<&str>> {
    let mut is_over = false;
    sonic_rs::to_array_iter(list).map_while(move |element| {
        if is_over {
            return None;
        }
        let raw = match element.map(|value| value.as_raw_cow()) {
            Ok(Cow::Borrowed(raw)) => Some(raw),
            _ => None,
        };
        is_over = raw.is_none();
        Some(raw)
    })
}

/// A string cell that is JSON as that JSON; a cell that is JSON as it is.
pub(super) fn json(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => object::string(raw).filter(|text| text.starts_with(['{', '['])),
        b'{' | b'[' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}
