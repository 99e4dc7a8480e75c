//! Certificates made for one test: an authority, the server's, and clients' of all kinds.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion, WantsVerifier};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory with `ca`, `server`, `client`, `expired` and `stranger` (from another authority), each as `.crt` and `.key`.
pub struct Certificates {
    dir: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    pub fn new() -> Certificates {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!(
            "millstream-certificates-{}-{number}",
            std::process::id()
        ));
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        let certificates = Certificates {
            dir,
            authority: authority("right"),
        };
        certificates.write("ca.crt", &certificates.authority.pem());
        certificates.issue("server");
        certificates.issue("client");
        let mut expired = params("expired");
        expired.not_before = date_time_ymd(2001, 1, 1);
        expired.not_after = date_time_ymd(2002, 1, 1);
        certificates.sign("expired", expired, &certificates.authority);
        certificates.sign("stranger", params("stranger"), &authority("wrong"));
        certificates
    }

    /// Makes a certificate of that name, or makes it anew.
    pub fn issue(&self, name: &str) {
        self.sign(name, params(name), &self.authority);
    }

    fn sign(&self, name: &str, params: CertificateParams, issuer: &Issuer<'_, KeyPair>) {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, issuer).expect("the key signs");
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.dir.join(file), text).expect("the temporary directory is writable");
    }

    pub fn path(&self, file: &str) -> String {
        self.dir.join(file).display().to_string()
    }

    /// The directives for the server's files.
    pub fn directives(&self) -> Vec<String> {
        let files = [
            ("--tls-cert-file", "server.crt"),
            ("--tls-key-file", "server.key"),
            ("--tls-ca-cert-file", "ca.crt"),
        ];
        files
            .iter()
            .flat_map(|(name, file)| [name.to_string(), self.path(file)])
            .collect()
    }

    /// What is in a file of certificates.
    pub fn read(&self, file: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.dir.join(file)).expect("it was written here")
    }

    /// A client that shows the certificate of that name.
    pub fn client_config(&self, name: &str) -> Arc<ClientConfig> {
        let key = PrivateKeyDer::from_pem_file(self.dir.join(format!("{name}.key")));
        let chain = vec![self.read(&format!("{name}.crt"))];
        let builder = builder(rustls::ALL_VERSIONS).with_root_certificates(self.roots());
        let config = builder.with_client_auth_cert(chain, key.expect("it was written here"));
        Arc::new(config.expect("key and certificate fit"))
    }

    /// A client that shows none.
    pub fn anonymous_config(&self) -> Arc<ClientConfig> {
        self.config_of_versions(rustls::ALL_VERSIONS)
    }

    /// The same, that speaks these versions alone.
    pub fn config_of_versions(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let builder = builder(versions).with_root_certificates(self.roots());
        Arc::new(builder.with_no_client_auth())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.read("ca.crt")).expect("it is an authority");
        roots
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("there are ciphers for every version")
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("there is randomness");
    CertifiedIssuer::self_signed(params, key).expect("the key signs")
}

fn params(name: &str) -> CertificateParams {
    let mut params =
        CertificateParams::new(vec!["localhost".into()]).expect("it is the name of a host");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
