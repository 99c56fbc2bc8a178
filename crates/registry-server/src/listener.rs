//! Where the server listens, and how it is protected there.

use std::net::{SocketAddr, TcpListener};

use axum_server::tls_rustls::RustlsConfig;

use crate::command_line::ServeOptions;
use crate::failure::Failure;

/// A place to listen on that is safe, or that somebody has said may be unsafe.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
    /// None: plain HTTP.
    pub(crate) tls: Option<RustlsConfig>,
}

impl Listener {
    /// Listens.
    pub(crate) async fn open(options: &ServeOptions) -> Result<Self, Failure> {
        let tls = match (&options.tls_certificate, &options.tls_key) {
            (Some(certificate), Some(key)) => {
                let config = RustlsConfig::from_pem_file(certificate, key).await;
                Some(config.map_err(|error| {
                    Failure::of_system("The certificate or its key can't be used", &error)
                })?)
            }
            _ => None,
        };
        if needs_tls(options.listen) && tls.is_none() && !options.allow_plain_http {
            return Err(Failure::new(
                format!(
                    "Others can reach {}, and without TLS they could read the tokens on the way",
                    options.listen
                ),
                "Give --tls-certificate and --tls-key, listen on 127.0.0.1, or, where something else protects the way, \
                 say --allow-plain-http.",
            ));
        }
        let listening =
            |error| Failure::of_system(&format!("{} can't be listened on", options.listen), &error);
        let socket = TcpListener::bind(options.listen).map_err(listening)?;
        socket.set_nonblocking(true).map_err(listening)?;
        let address = socket.local_addr().map_err(listening)?;
        Ok(Self {
            socket,
            address,
            tls,
        })
    }

    /// What to say to reach it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

/// Whether others than this machine can reach it.
fn needs_tls(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_addresses_are_safe_without_tls() {
        for (address, expected) in [
            ("127.0.0.1:0", false),
            ("127.8.9.1:0", false),
            ("[::1]:0", false),
            ("[::ffff:127.0.0.1]:0", false),
            ("0.0.0.0:0", true),
            ("[::]:0", true),
            ("192.168.1.2:0", true),
        ] {
            assert_eq!(needs_tls(address.parse().unwrap()), expected, "{address}");
        }
    }
}
