//! Certificates, keys and authorities from PEM files; every refusal names the directive, the file and what is wrong with it.

use super::Unusable;
use crate::config::Config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfo;
use pkcs8::pkcs5::Error as Pbes2Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

/// The most that is read of a file: more than any certificate or bundle of authorities has.
const FILE_BYTES: u64 = 16 << 20;

/// Around an encrypted key in PKCS#8, which may be decrypted here.
const ENCRYPTED: (&str, &str) = (
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "-----END ENCRYPTED PRIVATE KEY-----",
);
/// Within one in the older form of OpenSSL.
const ENCRYPTED_OTHERWISE: &str = "Proc-Type: 4,ENCRYPTED";
const UNKNOWN_ENCRYPTION: &str = "the key is encrypted in a way that is not known here: `openssl pkcs8 -topk8 -v2 aes-256-cbc` makes one that is";

/// The server's certificates, its own first, and the key of that one.
pub fn identity(
    config: &Config,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Unusable> {
    Ok((chain(&config.tls_cert_file)?, key(config)?))
}

/// Why certificates and key that could be read are no identity.
pub fn unfit(config: &Config, error: Error) -> Unusable {
    let (certificate, key) = (&config.tls_cert_file, &config.tls_key_file);
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let problem = format!("'{key}' is not the key of the certificate in '{certificate}'");
            Unusable::new("tls-key-file", problem)
        }
        // Such as its version, or a key of a kind that is not known.
        Error::InvalidCertificate(CertificateError::Other(why)) => {
            let why = match why.to_string() {
                old if old.contains("UnsupportedCertVersion") => {
                    "it is not of X.509 version 3".into()
                }
                why => why,
            };
            File("tls-cert-file", certificate)
                .unusable(format_args!("the certificate cannot be used: {why}"))
        }
        Error::InvalidCertificate(why) => {
            File("tls-cert-file", certificate).unusable(format_args!("not a certificate: {why}"))
        }
        Error::General(why) => File("tls-key-file", key).unusable(why),
        error => File("tls-key-file", key).unusable(error),
    }
}

/// The authorities that clients' certificates are checked by.
pub fn authorities(config: &Config) -> Result<RootCertStore, Unusable> {
    let (file, dir) = (&config.tls_ca_cert_file, &config.tls_ca_cert_dir);
    if file.is_empty() && dir.is_empty() {
        let problem = "clients' certificates are checked by this file, or by those in 'tls-ca-cert-dir', unless 'tls-auth-clients' is no: \
                       neither is given";
        return Err(Unusable::new("tls-ca-cert-file", problem));
    }
    let mut found = HashSet::new();
    if !file.is_empty() {
        let file = File("tls-ca-cert-file", file);
        found.extend(file.certificates()?);
    }
    if !dir.is_empty() {
        found.extend(certificates_within(dir)?);
    }
    let mut authorities = RootCertStore::empty();
    let (_, unusable) = authorities.add_parsable_certificates(found);
    match (authorities.is_empty(), unusable) {
        (false, 0) => {}
        (true, _) => {
            let (directive, path) = match file.is_empty() {
                true => ("tls-ca-cert-dir", dir),
                false => ("tls-ca-cert-file", file),
            };
            return Err(File(directive, path).unusable("no certificate of an authority is in it"));
        }
        (false, unusable) => {
            tracing::warn!(
                "{unusable} certificates of authorities cannot be used and are left out"
            );
        }
    }
    Ok(authorities)
}

/// The certificates of all files of a directory; files without one do not matter.
fn certificates_within(dir: &str) -> Result<HashSet<CertificateDer<'static>>, Unusable> {
    const DIRECTIVE: &str = "tls-ca-cert-dir";
    let unusable = |error| File(DIRECTIVE, dir).unusable(error);
    let mut found = HashSet::new();
    for entry in std::fs::read_dir(dir).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if !path.is_file() {
            continue;
        }
        let path = path.display().to_string();
        let text = File(DIRECTIVE, &path).read()?;
        found.extend(CertificateDer::pem_slice_iter(&text).flatten());
    }
    Ok(found)
}

fn chain(path: &str) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    const DIRECTIVE: &str = "tls-cert-file";
    match path.is_empty() {
        true => Err(Unusable::new(
            DIRECTIVE,
            "a server that speaks TLS needs a certificate",
        )),
        false => File(DIRECTIVE, path).certificates(),
    }
}

fn key(config: &Config) -> Result<PrivateKeyDer<'static>, Unusable> {
    let path = &config.tls_key_file;
    let file = File("tls-key-file", path);
    if path.is_empty() {
        return Err(Unusable::new(
            "tls-key-file",
            "the certificate's key is needed",
        ));
    }
    let text = file.read()?;
    let found = PrivateKeyDer::pem_slice_iter(&text).next();
    let text = String::from_utf8_lossy(&text);
    if text.contains(ENCRYPTED_OTHERWISE) {
        return Err(file.unusable(UNKNOWN_ENCRYPTION));
    }
    match found {
        Some(key) => key.map_err(|error| file.unusable(error)),
        None => match encrypted_within(&text) {
            Some(encrypted) => decrypted(&file, encrypted, &config.tls_key_file_pass),
            None => Err(file.unusable("no private key is in it")),
        },
    }
}

/// The text of an encrypted key.
fn encrypted_within(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(ENCRYPTED.0)?;
    let (key, _) = rest.split_once(ENCRYPTED.1)?;
    Some(key)
}

fn decrypted(
    file: &File<'_>,
    text: &str,
    password: &str,
) -> Result<PrivateKeyDer<'static>, Unusable> {
    if password.is_empty() {
        return Err(file.unusable("the key is encrypted, and 'tls-key-file-pass' is empty"));
    }
    let text: String = text.split_ascii_whitespace().collect();
    let bytes = STANDARD
        .decode(text)
        .map_err(|error| file.unusable(error))?;
    let encrypted = EncryptedPrivateKeyInfo::try_from(bytes.as_slice())
        .map_err(|_| file.unusable(UNKNOWN_ENCRYPTION))?;
    match encrypted.decrypt(password) {
        Ok(key) => Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into()),
        Err(pkcs8::Error::EncryptedPrivateKey(Pbes2Error::UnsupportedAlgorithm { .. })) => {
            Err(file.unusable(UNKNOWN_ENCRYPTION))
        }
        Err(_) => Err(file.unusable("'tls-key-file-pass' is not the password of the key")),
    }
}

/// A file, by the directive that names it.
struct File<'a>(&'static str, &'a str);

impl File<'_> {
    fn unusable(&self, why: impl fmt::Display) -> Unusable {
        Unusable::new(self.0, format_args!("'{}': {why}", self.1))
    }

    fn read(&self) -> Result<Vec<u8>, Unusable> {
        let path = Path::new(self.1);
        let bytes = std::fs::metadata(path)
            .map_err(|error| self.unusable(error))?
            .len();
        if bytes > FILE_BYTES {
            return Err(self.unusable("the file is too large"));
        }
        std::fs::read(path).map_err(|error| self.unusable(error))
    }

    /// Its certificates, of which there has to be one.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Unusable> {
        let text = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match found {
            Ok(found) if found.is_empty() => Err(self.unusable("no certificate is in it")),
            Ok(found) => Ok(found),
            Err(error) => Err(self.unusable(error)),
        }
    }
}
