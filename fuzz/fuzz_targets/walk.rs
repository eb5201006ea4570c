//! Any text, as a native record: what the walk by hand accepts, the general parser must accept too,
//! and read in the same way. Else a record could mean one thing to us and another to everybody else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_ingest::fuzzing::walked;

fuzz_target!(|text: &str| {
    if let Some((mine, general)) = walked(text) {
        assert_eq!(Some(mine), general);
    }
});
