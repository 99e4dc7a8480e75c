//! TLS: from the directives `tls-*` to what a handshake needs.
//!
//! - `files`: certificates, keys and authorities, read from their files.
//! - `suites`: versions and ciphers, by the names that OpenSSL has for them.
//! - `sessions`: the sessions that clients may resume, each for as long as it may be.
//!
//! Everything is read and checked before any of it counts: [`Acceptor::load`] gives something whole, or names the directive and the reason.
//! An acceptor never changes; another one takes its place for the connections to come, and with it go the sessions that could be resumed, so that
//! no client gets past an authority that is no longer trusted.
//!
//! This room refuses to know sockets and commands. What is kept for a connection is rustls's; `server/tls.rs` moves its bytes.

mod files;
mod sessions;
mod suites;

use crate::base::clock::Clock;
use crate::config::{Config, TlsAuthClients};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier};
use rustls::{ServerConfig, ServerConnection};
use std::fmt;
use std::sync::Arc;

/// Why TLS cannot be spoken as the configuration asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The directive that is to be looked at.
    pub directive: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Unusable {
    fn new(directive: &'static str, problem: impl fmt::Display) -> Self {
        Unusable {
            directive,
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.directive, self.problem)
    }
}

impl std::error::Error for Unusable {}

/// What connections that speak TLS are accepted with.
#[derive(Debug)]
pub struct Acceptor(Arc<ServerConfig>);

impl Acceptor {
    /// Reads all files and checks everything.
    pub fn load(config: &Config, clock: &Clock) -> Result<Self, Unusable> {
        let versions = suites::versions(&config.tls_protocols)?;
        let provider = Arc::new(CryptoProvider {
            cipher_suites: suites::chosen(&versions, config)?,
            ..ring::default_provider()
        });
        let verifier = verifier(config, provider.clone())?;
        let (chain, key) = files::identity(config)?;
        let mut accepting = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| Unusable::new("tls-protocols", error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| files::unfit(config, error))?;
        accepting.ignore_client_order = config.tls_prefer_server_ciphers;
        if config.tls_session_caching {
            accepting.session_storage = sessions::Sessions::new(config, clock.clone());
        } else {
            accepting.session_storage = Arc::new(NoServerSessionStorage {});
            accepting.send_tls13_tickets = 0;
        }
        Ok(Acceptor(Arc::new(accepting)))
    }

    /// The state of a connection whose handshake is about to begin.
    pub fn accept(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(self.0.clone())
    }
}

/// Who says whether a client's certificate is right.
fn verifier(
    config: &Config,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Unusable> {
    if config.tls_auth_clients == TlsAuthClients::No {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let authorities = Arc::new(files::authorities(config)?);
    let builder = WebPkiClientVerifier::builder_with_provider(authorities, provider);
    let builder = match config.tls_auth_clients {
        TlsAuthClients::Optional => builder.allow_unauthenticated(),
        TlsAuthClients::Yes | TlsAuthClients::No => builder,
    };
    builder
        .build()
        .map_err(|error| Unusable::new("tls-ca-cert-file", error))
}

#[cfg(test)]
mod tests;
