//! Certificate requests for examples of rules: `"@csr NAME"` is easier to read and to check than two
//! kilobytes of base64.

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};

/// A request for a certificate of this name, as PEM.
pub(super) fn pem(name: &str) -> String {
    format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        STANDARD.encode(csr(name))
    )
}

/// A PKCS#10 request with a common name, an arbitrary P-256 point and no valid signature: only its
/// form is read.
fn csr(name: &str) -> Vec<u8> {
    let attribute = [der(0x06, &[0x55, 0x04, 0x03]), der(0x0c, name.as_bytes())].concat();
    let subject = der(0x30, &der(0x31, &der(0x30, &attribute)));
    let algorithm = [
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]),
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    ]
    .concat();
    let point = [vec![0, 4], vec![7; 64]].concat();
    let key = der(0x30, &[der(0x30, &algorithm), der(0x03, &point)].concat());
    let info = der(0x30, &[der(0x02, &[0]), subject, key, der(0xa0, &[])].concat());
    let signature = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    let bits = der(0x03, &[0, 0x30, 6, 2, 1, 1, 2, 1, 1]);
    der(0x30, &[info, signature, bits].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}
