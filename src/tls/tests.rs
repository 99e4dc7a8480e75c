//! What loads, and what is said of what does not.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

/// A directory with an authority, a certificate from it and its key.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("millstream-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        folder.write("ca.crt", &authority.pem());
        folder.write("server.crt", &certificate.pem());
        folder.write("server.key", &key.serialize_pem());
        folder
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// A configuration with its files, changed so.
    fn config(&self, change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        config.tls_cert_file = self.path("server.crt");
        config.tls_key_file = self.path("server.key");
        config.tls_ca_cert_file = self.path("ca.crt");
        change(&mut config);
        config
    }

    /// What is said of a configuration that is changed so; the folder's path is left out.
    fn refusal(&self, change: impl FnOnce(&mut Config)) -> String {
        let config = self.config(change);
        match load(&config) {
            Ok(_) => "it loads".into(),
            Err(unusable) => unusable
                .to_string()
                .replace(&format!("{}/", self.0.display()), ""),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(config: &Config) -> Result<Acceptor, Unusable> {
    Acceptor::load(config, &Clock::system())
}

#[test]
fn what_is_right_loads() {
    let folder = Folder::new("right");
    for auth in [
        TlsAuthClients::Yes,
        TlsAuthClients::Optional,
        TlsAuthClients::No,
    ] {
        let config = folder.config(|config| config.tls_auth_clients = auth);
        assert!(load(&config).unwrap().accept().is_ok());
    }
    folder.write("notes.txt", "no certificate");
    let by_directory = folder.config(|config| {
        config.tls_ca_cert_file.clear();
        config.tls_ca_cert_dir = folder.0.display().to_string();
        config.tls_protocols = "TLSv1.3".into();
    });
    assert!(load(&by_directory).is_ok());
    let asking_nobody = folder.config(|config| {
        config.tls_auth_clients = TlsAuthClients::No;
        config.tls_ca_cert_file.clear();
        config.tls_session_caching = false;
    });
    assert!(load(&asking_nobody).is_ok());
}

#[test]
fn refusals_name_directive_file_and_reason() {
    let folder = Folder::new("wrong");
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let (other_key, empty) = (
        folder.write("other.key", &other_key),
        folder.write("empty", ""),
    );
    let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let garbled = folder.write("garbled", garbled);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let old = folder.write("old.key", old);
    type Case<'a> = (&'a dyn Fn(&mut Config), &'a str);
    let cases: &[Case<'_>] = &[
        (
            &|c| c.tls_cert_file.clear(),
            "tls-cert-file: a server that speaks TLS needs a certificate",
        ),
        (
            &|c| c.tls_cert_file.push('x'),
            "tls-cert-file: 'server.crtx': No such file or directory (os error 2)",
        ),
        (
            &|c| c.tls_cert_file.clone_from(&empty),
            "tls-cert-file: 'empty': no certificate is in it",
        ),
        (
            &|c| c.tls_cert_file.clone_from(&garbled),
            "tls-cert-file: 'garbled': not a certificate: BadEncoding",
        ),
        (
            &|c| c.tls_key_file.clear(),
            "tls-key-file: the certificate's key is needed",
        ),
        (
            &|c| c.tls_key_file.clone_from(&empty),
            "tls-key-file: 'empty': no private key is in it",
        ),
        (
            &|c| c.tls_key_file.clone_from(&other_key),
            "tls-key-file: 'other.key' is not the key of the certificate in 'server.crt'",
        ),
        (
            &|c| c.tls_key_file.clone_from(&old),
            "tls-key-file: 'old.key': the key is encrypted in a way that is not known here: `openssl pkcs8 -topk8 -v2 aes-256-cbc` makes one that is",
        ),
        (
            &|c| c.tls_ca_cert_file.clear(),
            "tls-ca-cert-file: clients' certificates are checked by this file, or by those in 'tls-ca-cert-dir', unless 'tls-auth-clients' is no: neither is given",
        ),
        (
            &|c| c.tls_ca_cert_file.clone_from(&garbled),
            "tls-ca-cert-file: 'garbled': no certificate of an authority is in it",
        ),
        (
            &|c| c.tls_ca_cert_dir = "/nosuch".into(),
            "tls-ca-cert-dir: '/nosuch': No such file or directory (os error 2)",
        ),
        (
            &|c| c.tls_protocols = "SSLv3".into(),
            "tls-protocols: 'SSLv3' is not spoken here: there are TLSv1.2 and TLSv1.3",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(folder.refusal(change), *expected);
    }
}

/// Keys that `openssl genpkey -aes256` and the like have encrypted, with their password.
#[test]
fn encrypted_keys_open_with_their_password() {
    let folder = Folder::new("encrypted");
    let plain = std::fs::read_to_string(folder.path("server.key")).unwrap();
    let der = rustls::pki_types::PrivateKeyDer::from_pem_slice(plain.as_bytes()).unwrap();
    let key = pkcs8::PrivateKeyInfo::try_from(der.secret_der()).unwrap();
    let iterations = 2048;
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::pbkdf2_sha256_aes256cbc(iterations, b"saltsalt", &[7; 16]);
    let encrypted = key
        .encrypt_with_params(parameters.unwrap(), "secret")
        .unwrap();
    folder.write(
        "server.key",
        &pem("ENCRYPTED PRIVATE KEY", encrypted.as_bytes()),
    );
    assert_eq!(
        folder.refusal(|config| config.tls_key_file_pass = "secret".into()),
        "it loads"
    );
    assert_eq!(
        folder.refusal(|config| config.tls_key_file_pass = "wrong".into()),
        "tls-key-file: 'server.key': 'tls-key-file-pass' is not the password of the key"
    );
    assert_eq!(
        folder.refusal(|_| ()),
        "tls-key-file: 'server.key': the key is encrypted, and 'tls-key-file-pass' is empty"
    );
}

fn pem(label: &str, bytes: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
