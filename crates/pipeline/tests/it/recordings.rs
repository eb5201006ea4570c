//! The recordings of a real API server, where they are beside the checkout: the answer must not
//! depend on threads. Left out, and said so, where they are not.

use crate::support::rules;
use std::path::PathBuf;
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_pipeline::{Options, scan};

#[test]
fn threads_change_nothing_on_a_real_recording() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/corpus/metadata/audit.log.gz"
    ));
    if !path.exists() {
        eprintln!("left out: the recordings are not beside this checkout");
        return;
    }
    let answer = |threads| {
        let options = Options {
            paths: vec![path.clone()],
            cluster: None,
            threads,
            masking_key: [1; 16],
            record_key: [threads as u8; 16],
            limits: Limits::default(),
            settings: Settings::default(),
        };
        scan(&options, &rules(), &mut |_| {}).unwrap()
    };
    let one = answer(1);
    assert!(one.input.events > 20_000 && one.input.rejected == 0);
    assert_eq!(answer(2), one);
    assert_eq!(answer(8), one);
}
