//! Databases of addresses in `MaxMind`'s format, from bytes that somebody else read. They come from
//! outside and may be damaged or of another kind, so whatever cannot be read is simply not known.

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use std::net::IpAddr;
use trailhound_model::Str;
use trailhound_rules::site::geo::{GeoSource, Place};

/// The parts of the usual databases (country, city, ASN, ISP) that rules ask for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    country: Country<'a>,
    #[serde(borrow)]
    registered_country: Country<'a>,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Country<'a> {
    iso_code: Option<&'a str>,
}

/// A database.
#[derive(Debug)]
pub struct Mmdb(Reader<Vec<u8>>);

impl Mmdb {
    /// Takes the bytes of a database; says why they are none.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Mmdb, MaxMindDbError> {
        Reader::from_source(bytes).map(Mmdb)
    }

    fn find(&self, address: IpAddr) -> Option<Place> {
        let found = self.0.lookup(address).ok()?;
        let record: Record = found.decode().ok()??;
        let country = record.country.iso_code.or(record.registered_country.iso_code);
        Some(Place {
            country: Str::from(country.unwrap_or_default()),
            asn: record.autonomous_system_number,
            organisation: Str::from(record.autonomous_system_organization.unwrap_or_default()),
        })
    }
}

impl GeoSource for Mmdb {
    fn look_up(&self, address: IpAddr) -> Place {
        self.find(address).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        let length = match text.len() as u8 {
            short @ ..29 => vec![0x40 | short],
            long => vec![0x40 | 0x1d, long - 29],
        };
        [&length, text.as_bytes()].concat()
    }

    fn number(value: u32) -> Vec<u8> {
        [&[0xc4], &value.to_be_bytes()[..]].concat()
    }

    fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let pairs_of = pairs.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
        [0xe0 | pairs.len() as u8].into_iter().chain(pairs_of).collect()
    }

    /// A database that knows one thing of 0.0.0.0/1 and nothing of the rest.
    fn database(record: &[u8]) -> Vec<u8> {
        let metadata = map(&[
            ("binary_format_major_version", vec![0xa1, 2]),
            ("binary_format_minor_version", vec![0xa1, 0]),
            ("build_epoch", [vec![0x04, 0x02], 1_u32.to_be_bytes().to_vec()].concat()),
            ("database_type", text("test")),
            ("description", map(&[("en", text("test"))])),
            ("ip_version", vec![0xa1, 4]),
            ("languages", vec![0x00, 0x04]),
            ("node_count", number(1)),
            ("record_size", vec![0xa1, 24]),
        ]);
        let tree = [0, 0, 1 + 16, 0, 0, 1];
        [&tree[..], &[0; 16], record, b"\xab\xcd\xefMaxMind.com", &metadata].concat()
    }

    #[test]
    fn country_and_system_of_an_address_are_found() {
        let record = map(&[
            ("country", map(&[("iso_code", text("NL")), ("geoname_id", number(7))])),
            ("autonomous_system_number", number(64_500)),
            ("autonomous_system_organization", text("Example Hosting")),
        ]);
        let database = Mmdb::from_bytes(database(&record)).unwrap();
        let known = Place {
            country: "NL".into(),
            asn: Some(64_500),
            organisation: "Example Hosting".into(),
        };
        assert_eq!(database.look_up("10.1.2.3".parse().unwrap()), known);
        assert_eq!(database.look_up("203.0.113.7".parse().unwrap()), Place::default());
        assert_eq!(database.look_up("2001:db8::1".parse().unwrap()), Place::default());
    }

    #[test]
    fn a_damaged_record_is_not_known() {
        for record in [vec![], vec![0xff; 8], map(&[("country", number(3))])] {
            let database = Mmdb::from_bytes(database(&record)).unwrap();
            assert_eq!(database.look_up("10.1.2.3".parse().unwrap()), Place::default());
        }
    }

    #[test]
    fn what_is_no_database_is_refused_and_not_read() {
        for bytes in [Vec::new(), b"type,value".to_vec(), vec![0xab; 4096]] {
            assert!(Mmdb::from_bytes(bytes).is_err());
        }
    }
}
