//! TLS: rustls with ring, whatever else the process has chosen.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::BuildError;

/// Whose certificates are trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trust<'a> {
    /// Nobody's: nothing is asked by TLS. A machine without certificates can then still ask.
    Nobody,
    /// Whoever the system trusts.
    System,
    /// Those in this file alone.
    File(&'a Path),
}

/// TLS 1.2 and 1.3.
pub(crate) fn config(trust: Trust<'_>) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| BuildError::Connections(error.to_string()))?;
    let mut config = match trust {
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
        Trust::System => builder.dangerous().with_custom_certificate_verifier(system(provider)?),
        Trust::File(path) => builder.with_root_certificates(roots(path)?),
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(path: &Path) -> Result<RootCertStore, BuildError> {
    let wrong = |why: String| BuildError::Ca(path.to_path_buf(), why);
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(wrong("holds no certificate".to_owned())),
        false => Ok(roots),
    }
}

fn system(provider: Arc<CryptoProvider>) -> Result<Arc<Verifier>, BuildError> {
    Verifier::new(provider).map(Arc::new).map_err(|error| BuildError::Connections(error.to_string()))
}
