//! The certificates that an API server is believed by.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ToolError;

/// The certificates of a base64 PEM bundle; there are two while an authority is being rotated.
pub(super) fn from_base64(bundle: &str) -> Result<Vec<Vec<u8>>, String> {
    let pem = STANDARD.decode(bundle.trim()).map_err(|err| err.to_string())?;
    from_pem(&String::from_utf8(pem).map_err(|err| err.to_string())?)
}

/// The certificates of a PEM file.
///
/// # Errors
/// `invalid_input` that names the file.
pub(super) fn from_file(path: &Path) -> Result<Vec<Vec<u8>>, ToolError> {
    let wrong = |why: String| {
        ToolError::invalid(format!("the CA bundle `{}` cannot be used: {why}", path.display()))
            .with_hint("Correct `ca_bundle` in the configuration: a file with certificates in PEM.")
    };
    let text = std::fs::read_to_string(path).map_err(|err| wrong(err.to_string()))?;
    from_pem(&text).map_err(wrong)
}

/// The certificates of the system, for endpoints that name no authority.
pub(super) fn of_system() -> Vec<Vec<u8>> {
    rustls_native_certs::load_native_certs().certs.into_iter().map(|it| it.to_vec()).collect()
}

fn from_pem(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    for part in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = part.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let body: String = body.chars().filter(|it| !it.is_whitespace()).collect();
        certificates.push(STANDARD.decode(body).map_err(|err| err.to_string())?);
    }
    if certificates.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBAUG\n-----END CERTIFICATE-----\n";

    #[test]
    fn every_certificate_of_a_bundle_is_loaded() {
        assert_eq!(from_base64(&STANDARD.encode(PEM)).unwrap(), [vec![1, 2, 3], vec![4, 5, 6]]);
        assert!(from_base64("!").is_err());
        assert!(from_base64(&STANDARD.encode("nothing")).is_err());
    }

    #[test]
    fn a_file_that_is_no_bundle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(from_file(&file).unwrap_err().message.contains("ca.pem"));
        std::fs::write(&file, PEM).unwrap();
        assert_eq!(from_file(&file).unwrap().len(), 2);
    }
}
