//! The chain of modifiers behind a field: `requestURI|contains|all`.
//!
//! Each says one thing about how values are compared; those that encode values keep their order,
//! because the order decides what comes out.

use super::value::Encoding;
use crate::{
    ask::{Like, TimePart},
    error::suggest,
    tree::Order,
};

/// All modifiers.
const KNOWN: [&str; 33] = [
    "all",
    "startswith",
    "endswith",
    "contains",
    "exists",
    "cased",
    "neq",
    "windash",
    "re",
    "i",
    "m",
    "s",
    "base64",
    "base64offset",
    "utf16le",
    "utf16be",
    "utf16",
    "wide",
    "lt",
    "lte",
    "gt",
    "gte",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "cidr",
    "expand",
    "fieldref",
    "ignorecase",
    "multiline",
];

/// How the values of an item are compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Modifiers {
    /// Every value must match, not one.
    pub(super) all: bool,
    /// Case counts.
    pub(super) cased: bool,
    /// None may match.
    pub(super) neq: bool,
    /// Placeholders are filled in.
    pub(super) expand: bool,
    /// How texts are alike.
    pub(super) like: Like,
    /// Encodings, in their order.
    pub(super) encodings: Vec<Encoding>,
    /// What the values are.
    pub(super) form: Form,
    /// The part of a date that is compared.
    pub(super) time: Option<TimePart>,
}

/// What values are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// Texts with wildcards.
    Text,
    /// Whether the field is there.
    Exists,
    /// Regular expressions with these flags.
    Regex(String),
    /// Networks.
    Cidr,
    /// Numbers.
    Number(Order),
    /// Names of other fields.
    Field,
}

impl Modifiers {
    /// Reads the modifiers of a key; what is wrong and what to do about it.
    pub(super) fn parse<'a>(
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Modifiers, (String, String)> {
        let mut modifiers = Modifiers {
            all: false,
            cased: false,
            neq: false,
            expand: false,
            like: Like::Equal,
            encodings: Vec::new(),
            form: Form::Text,
            time: None,
        };
        for name in names {
            modifiers.add(name)?;
        }
        modifiers.checked()
    }

    fn add(&mut self, name: &str) -> Result<(), (String, String)> {
        match name {
            "all" => self.all = true,
            "cased" => self.cased = true,
            "neq" => self.neq = true,
            "expand" => self.expand = true,
            "contains" => self.like = Like::Contains,
            "startswith" => self.like = Like::Starts,
            "endswith" => self.like = Like::Ends,
            _ => match (encoding(name), time(name), form(name)) {
                (Some(encoding), ..) => self.encodings.push(encoding),
                (_, Some(part), _) => self.time = Some(part),
                (_, _, Some(form)) if self.form == Form::Text => self.form = form,
                _ => return self.flag(name),
            },
        }
        Ok(())
    }

    /// Flags of a regular expression, and what is not known.
    fn flag(&mut self, name: &str) -> Result<(), (String, String)> {
        let flag = match name {
            "i" | "ignorecase" => 'i',
            "m" | "multiline" => 'm',
            "s" | "dotall" => 's',
            _ if form(name).is_some() => {
                return Err((
                    format!("`{name}` stands beside another such modifier"),
                    String::new(),
                ));
            }
            _ => return Err((format!("there is no modifier `{name}`"), suggest(name, KNOWN))),
        };
        let Form::Regex(flags) = &mut self.form else {
            return Err((format!("`{name}` may only follow `re`"), String::new()));
        };
        flags.push(flag);
        Ok(())
    }

    fn checked(self) -> Result<Modifiers, (String, String)> {
        let alone = |what: &str| Err((what.to_owned(), String::new()));
        let texts = self.form == Form::Text;
        if !texts && !self.encodings.is_empty() {
            return alone("encodings are for texts only");
        }
        if !texts && self.form != Form::Field && self.like != Like::Equal {
            return alone("`contains`, `startswith` and `endswith` are for texts only");
        }
        if self.time.is_some() && !matches!(self.form, Form::Text | Form::Number(_)) {
            return alone("a part of a date is a number");
        }
        if self.expand && !texts {
            return alone("`expand` is for texts only");
        }
        Ok(self)
    }
}

fn encoding(name: &str) -> Option<Encoding> {
    Some(match name {
        "base64" => Encoding::Base64,
        "base64offset" => Encoding::Base64Offset,
        "utf16le" | "wide" => Encoding::Utf16Le,
        "utf16be" => Encoding::Utf16Be,
        "utf16" => Encoding::Utf16,
        "windash" => Encoding::WinDash,
        _ => return None,
    })
}

fn time(name: &str) -> Option<TimePart> {
    Some(match name {
        "minute" => TimePart::Minute,
        "hour" => TimePart::Hour,
        "day" => TimePart::Day,
        "week" => TimePart::Week,
        "month" => TimePart::Month,
        "year" => TimePart::Year,
        _ => return None,
    })
}

fn form(name: &str) -> Option<Form> {
    Some(match name {
        "exists" => Form::Exists,
        "re" => Form::Regex(String::new()),
        "cidr" => Form::Cidr,
        "fieldref" => Form::Field,
        "lt" => Form::Number(Order::Less),
        "lte" => Form::Number(Order::LessOrEqual),
        "gt" => Form::Number(Order::Greater),
        "gte" => Form::Number(Order::GreaterOrEqual),
        _ => return None,
    })
}
