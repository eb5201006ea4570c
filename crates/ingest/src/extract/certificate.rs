//! Certificate signing requests: whom would the certificate name, and by which id will the log name
//! the certificate?

use crate::mask::{Masker, Walk};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use trailhound_model::{Str, body::CertificateRequest};
use x509_parser::{
    certification_request::X509CertificationRequest, pem::parse_x509_pem, prelude::FromDer,
};

/// A PKCS#10 request is far smaller; what is larger is not one.
const MAX_REQUEST: usize = 256 << 10;

pub(super) fn read(walk: &Walk<'_, '_>, masker: &Masker) -> CertificateRequest {
    let request = walk.tree().at(&["spec", "request"]).text();
    let (common_name, organizations) = subject(request, masker).unwrap_or_default();
    let conditions = walk.elements(&["status", "conditions"]);
    CertificateRequest {
        signer: walk.string(&["spec", "signerName"]),
        common_name,
        organizations,
        usages: walk.strings(&["spec", "usages"]),
        conditions: conditions.iter().map(|condition| condition.string(&["type"])).collect(),
    }
}

/// Common name and organisations in a PKCS#10 request: PEM in base64.
fn subject(request: &str, masker: &Masker) -> Option<(Str, Vec<Str>)> {
    if request.is_empty() || request.len() > MAX_REQUEST {
        return None;
    }
    let text: String = request.chars().filter(|c| !c.is_whitespace()).collect();
    let pem = STANDARD.decode(text).ok()?;
    let (_, pem) = parse_x509_pem(&pem).ok()?;
    let (_, request) = X509CertificationRequest::from_der(&pem.contents).ok()?;
    let name = &request.certification_request_info.subject;
    let hidden = |text: &str| masker.text(text).map_or_else(|| Str::new(text), Str::from);
    let common_name = name.iter_common_name().find_map(|part| part.as_str().ok()).map(hidden);
    let organizations = name.iter_organization().filter_map(|part| part.as_str().ok()).map(hidden);
    Some((common_name.unwrap_or_default(), organizations.collect()))
}

/// The id by which later records name the signed certificate: PEM in base64, of which the first
/// certificate is the client's.
pub(super) fn fingerprint(certificate: &str) -> Option<Str> {
    if certificate.is_empty() || certificate.len() > MAX_REQUEST {
        return None;
    }
    let text: String = certificate.chars().filter(|c| !c.is_whitespace()).collect();
    let pem = STANDARD.decode(text).ok()?;
    let (_, pem) = parse_x509_pem(&pem).ok()?;
    let mut id = Str::const_new("X509SHA256=");
    for byte in Sha256::digest(&pem.contents) {
        let _ = write!(id, "{byte:02x}");
    }
    Some(id)
}
