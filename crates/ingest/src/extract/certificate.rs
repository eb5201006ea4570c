//! Certificate signing requests: whom would the certificate name?

use super::texts;
use crate::tree::Tree;
use base64::{Engine, engine::general_purpose::STANDARD};
use trailhound_model::{Str, body::CertificateRequest};
use x509_parser::{
    certification_request::X509CertificationRequest,
    pem::parse_x509_pem,
    prelude::FromDer,
    x509::X509Name,
};

/// A PKCS#10 request is far smaller; what is larger is not one.
const MAX_REQUEST: usize = 256 << 10;

pub(super) fn read(tree: &Tree<'_>) -> CertificateRequest {
    let spec = tree.get("spec");
    let (common_name, organizations) = subject(spec.get("request").text()).unwrap_or_default();
    let conditions = tree.at(&["status", "conditions"]).list().iter();
    CertificateRequest {
        signer: Str::new(spec.get("signerName").text()),
        common_name,
        organizations,
        usages: texts(spec.get("usages")),
        conditions: conditions.map(|condition| Str::new(condition.get("type").text())).collect(),
    }
}

/// Common name and organisations in a PKCS#10 request: PEM in base64.
fn subject(request: &str) -> Option<(Str, Vec<Str>)> {
    if request.is_empty() || request.len() > MAX_REQUEST {
        return None;
    }
    let text: String = request.chars().filter(|c| !c.is_whitespace()).collect();
    let pem = STANDARD.decode(text).ok()?;
    let (_, pem) = parse_x509_pem(&pem).ok()?;
    let (_, request) = X509CertificationRequest::from_der(&pem.contents).ok()?;
    let name = &request.certification_request_info.subject;
    Some((common_name(name), organizations(name)))
}

fn common_name(name: &X509Name<'_>) -> Str {
    name.iter_common_name().find_map(|part| part.as_str().ok()).map(Str::new).unwrap_or_default()
}

fn organizations(name: &X509Name<'_>) -> Vec<Str> {
    name.iter_organization().filter_map(|part| part.as_str().ok()).map(Str::new).collect()
}
