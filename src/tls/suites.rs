//! Versions and ciphers of TLS, by the names that OpenSSL, and so Redis's configuration, has for them.
//!
//! ```text
//! tls-protocols     "TLSv1.2 TLSv1.3"
//! tls-ciphersuites  TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256
//! tls-ciphers       ECDHE+AESGCM:CHACHA20:!aNULL        words add, `!` bars for good, `-` takes away, `+` puts last
//! ```
//!
//! There are fewer ciphers here than OpenSSL has: those with forward secrecy and authenticated encryption. Names of others match nothing, as they
//! do in an OpenSSL that was built without them; a list that leaves none is refused.

use super::Unusable;
use crate::config::Config;
use rustls::crypto::ring::cipher_suite::*;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

type Named = (&'static str, SupportedCipherSuite);

/// The ciphers of TLS 1.3, the preferred ones first.
const CIPHERS_13: [Named; 3] = [
    ("TLS_AES_256_GCM_SHA384", TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        TLS13_CHACHA20_POLY1305_SHA256,
    ),
];

/// Those of TLS 1.2.
const CIPHERS_12: [Named; 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The versions that a text names; empty names all.
pub fn versions(text: &str) -> Result<Vec<&'static SupportedProtocolVersion>, Unusable> {
    let mut versions = Vec::new();
    for word in text.split_ascii_whitespace() {
        let version = match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => &TLS12,
            "tlsv1.3" => &TLS13,
            _ => {
                let problem = format!("'{word}' is not spoken here: there are TLSv1.2 and TLSv1.3");
                return Err(Unusable::new("tls-protocols", problem));
            }
        };
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    match versions.is_empty() {
        true => Ok(vec![&TLS12, &TLS13]),
        false => Ok(versions),
    }
}

/// The ciphers for these versions, in the order of preference.
pub fn chosen(
    versions: &[&'static SupportedProtocolVersion],
    config: &Config,
) -> Result<Vec<SupportedCipherSuite>, Unusable> {
    let mut chosen = Vec::new();
    if versions.contains(&&TLS13) {
        chosen.extend(ciphers_13(&config.tls_ciphersuites)?);
    }
    if versions.contains(&&TLS12) {
        chosen.extend(ciphers_12(&config.tls_ciphers)?);
    }
    Ok(chosen)
}

fn ciphers_13(text: &str) -> Result<Vec<SupportedCipherSuite>, Unusable> {
    let named = |name: &str| CIPHERS_13.iter().find(|(known, _)| *known == name);
    let found: Vec<Named> = match text.is_empty() {
        true => CIPHERS_13.to_vec(),
        false => text.split(':').filter_map(named).copied().collect(),
    };
    some_of(found, "tls-ciphersuites", text, &CIPHERS_13)
}

fn ciphers_12(text: &str) -> Result<Vec<SupportedCipherSuite>, Unusable> {
    let mut left: Vec<Named> = CIPHERS_12.to_vec();
    let mut chosen: Vec<Named> = Vec::new();
    let words = text
        .split([':', ',', ' '])
        .filter(|word| !word.is_empty() && !word.starts_with('@'));
    for word in words {
        let (mark, class) = match word.split_at_checked(1) {
            Some((mark @ ("!" | "-" | "+"), class)) => (mark, class),
            _ => ("", word),
        };
        let is_meant = |(name, _): &mut Named| class.split('+').all(|part| is_in(name, part));
        match mark {
            "" => chosen.extend(left.extract_if(.., is_meant)),
            "-" => left.extend(chosen.extract_if(.., is_meant)),
            "+" => {
                let last: Vec<Named> = chosen.extract_if(.., is_meant).collect();
                chosen.extend(last);
            }
            _ => {
                left.extract_if(.., is_meant).for_each(drop);
                chosen.extract_if(.., is_meant).for_each(drop);
            }
        }
    }
    if text.is_empty() {
        chosen = left;
    }
    some_of(chosen, "tls-ciphers", text, &CIPHERS_12)
}

/// Whether a cipher of TLS 1.2 is in a class of OpenSSL's, or has that name.
fn is_in(cipher: &str, class: &str) -> bool {
    match class {
        "ALL" | "DEFAULT" | "HIGH" | "TLSv1.2" => true,
        "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" => true,
        "AES" | "AESGCM" | "FIPS" => cipher.contains("AES"),
        "AES128" | "AES256" | "CHACHA20" => cipher.contains(class),
        "aRSA" => cipher.contains("-RSA-"),
        "aECDSA" | "ECDSA" => cipher.contains("-ECDSA-"),
        name => cipher == name,
    }
}

fn some_of(
    found: Vec<Named>,
    directive: &'static str,
    text: &str,
    all: &[Named],
) -> Result<Vec<SupportedCipherSuite>, Unusable> {
    if found.is_empty() {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let problem = format!("'{text}' leaves no cipher: there are {}", names.join(":"));
        return Err(Unusable::new(directive, problem));
    }
    Ok(found.into_iter().map(|(_, suite)| suite).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_12(text: &str) -> Result<Vec<&'static str>, String> {
        let found = ciphers_12(text).map_err(|error| error.to_string())?;
        let name_of = |suite: &SupportedCipherSuite| {
            let named = CIPHERS_12.iter().find(|(_, known)| known == suite);
            named.map(|(name, _)| *name).unwrap()
        };
        Ok(found.iter().map(name_of).collect())
    }

    #[test]
    fn versions_are_those_there_are() {
        assert_eq!(versions("").unwrap(), [&TLS12, &TLS13]);
        assert_eq!(versions("tlsv1.3 TLSv1.3").unwrap(), [&TLS13]);
        assert_eq!(versions("TLSv1.2").unwrap(), [&TLS12]);
        assert_eq!(
            versions("TLSv1.1 TLSv1.2").unwrap_err().to_string(),
            "tls-protocols: 'TLSv1.1' is not spoken here: there are TLSv1.2 and TLSv1.3"
        );
    }

    #[test]
    fn lists_read_as_openssl_reads_them() {
        for text in [
            "",
            "DEFAULT",
            "HIGH:!aNULL:!MD5",
            "DEFAULT:!MEDIUM",
            "ALL:@SECLEVEL=2",
        ] {
            assert_eq!(names_12(text).unwrap().len(), 6, "{text}");
        }
        assert_eq!(
            names_12("ECDHE+aRSA+AES128:CHACHA20:!aECDSA:DHE-RSA-AES128-SHA").unwrap(),
            ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"]
        );
        assert_eq!(
            names_12("AES256:+ECDSA:-aRSA").unwrap(),
            ["ECDHE-ECDSA-AES256-GCM-SHA384"]
        );
        assert_eq!(
            names_12("AESGCM:-ALL:AES256").unwrap(),
            [
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-RSA-AES256-GCM-SHA384"
            ]
        );
        assert!(
            names_12("AES128-SHA")
                .unwrap_err()
                .starts_with("tls-ciphers: 'AES128-SHA' leaves no cipher: there are ECDHE-")
        );
        assert!(names_12("!ALL:DEFAULT").is_err());
    }

    #[test]
    fn names_of_1_3_keep_their_order() {
        assert_eq!(
            ciphers_13(
                "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256"
            )
            .unwrap(),
            [TLS13_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256]
        );
        assert!(ciphers_13("TLS_NOSUCH").is_err());
    }
}
