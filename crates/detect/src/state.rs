//! Saved state carries a magic number and a version, so that a snapshot of another build is
//! refused with a sentence instead of being misread.

use serde::{Serialize, de::DeserializeOwned};

const MAGIC: [u8; 4] = *b"THST";
/// Raised whenever the layout of any saved part changes.
pub const VERSION: u16 = 9;

/// Why a state could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StateError {
    /// The bytes are something else.
    #[error("this is not a saved Trailhound state; give the file that this program wrote")]
    NotAState,
    /// The state is of another version.
    #[error(
        "the saved state has version {found}, this program reads version {VERSION}; \
         start without it or use the program that wrote it"
    )]
    Version {
        /// Version found.
        found: u16,
    },
    /// The state is damaged.
    #[error("the saved state is damaged ({0}); start without it")]
    Damaged(String),
}

/// Writes a value as versioned state.
pub fn save<T: Serialize>(value: &T) -> Result<Vec<u8>, StateError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    postcard::to_extend(value, bytes).map_err(|error| StateError::Damaged(error.to_string()))
}

/// Reads what [`save`] wrote.
pub fn restore<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StateError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(StateError::NotAState)?;
    let (version, body) = rest.split_first_chunk::<2>().ok_or(StateError::NotAState)?;
    let found = u16::from_le_bytes(*version);
    if found != VERSION {
        return Err(StateError::Version { found });
    }
    postcard::from_bytes(body).map_err(|error| StateError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_another_version_or_origin_are_refused_with_a_reason() {
        let mut bytes = save(&7u32).unwrap();
        assert_eq!(restore::<u32>(&bytes), Ok(7));
        assert_eq!(restore::<u32>(b"gzip"), Err(StateError::NotAState));
        bytes[4] = 99;
        assert_eq!(restore::<u32>(&bytes), Err(StateError::Version { found: 99 }));
        assert!(matches!(restore::<u64>(&save(&()).unwrap()), Err(StateError::Damaged(_))));
    }
}
