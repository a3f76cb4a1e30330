//! Which servers are believed, and what is shown to those that ask who we are.

use crate::error::Failure;
use crate::remote::Remote;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, LazyLock};

/// Of remotes without settings of their own: reading the system's certificates takes longer than many a request.
static SYSTEM: LazyLock<Result<ClientConfig, Failure>> =
    LazyLock::new(|| Ok(believing(&[])?.with_no_client_auth()));

/// What a connection to `remote` is made with.
pub(super) fn config(remote: &Remote) -> Result<ClientConfig, Failure> {
    if remote.ca.is_none() && remote.client_certificate.is_none() {
        return SYSTEM.clone();
    }
    let builder = believing(remote.ca.as_deref().unwrap_or_default())?;
    let Some((chain, key)) = &remote.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let unreadable = || Failure::Tls("the client certificate and its key can't be read".to_owned());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|_| unreadable())?;
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| unreadable())?;
    if chain.is_empty() {
        return Err(unreadable());
    }
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| unreadable())
}

fn believing(certificates: &[u8]) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Given::new(certificates, provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

fn unusable(error: &Error) -> Failure {
    Failure::Tls(error.to_string())
}

/// Believes the system's authorities and the given certificates: those they have signed, and, as Go does
/// (`crypto/x509`, `Certificate.Verify`), themselves. A server with nothing but a certificate that it has signed itself
/// often has one that is marked as an authority's, and webpki takes no such from a server.
#[derive(Debug)]
struct Given {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Verifier,
}

impl Given {
    /// Text that is no certificate is passed over, as Go does.
    fn new(pem: &[u8], provider: Arc<CryptoProvider>) -> Result<Self, Failure> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .filter_map(Result::ok)
            .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok())
            .collect();
        let verifier = Verifier::new_with_extra_roots(certificates.iter().cloned(), provider)
            .map_err(|error| unusable(&error))?;
        Ok(Self {
            certificates,
            verifier,
        })
    }
}

/// Whether a certificate was refused for nothing but being an authority's. webpki has looked at its time by then, and at
/// neither its name nor its signature.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(cause)) = error else {
        return false;
    };
    cause.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(error) if is_authority(&error) => {
                if !self.certificates.contains(end_entity) {
                    return Err(CertificateError::UnknownIssuer.into());
                }
                let certificate = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&certificate, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
