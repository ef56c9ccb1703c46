//! Signed webhooks, as the Standard Webhooks specification 1.0 describes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use thiserror::Error;
use time::OffsetDateTime;
use vedette_event::TicketDraft;

use crate::Webhook;
use crate::connector::{Connector, Failure, Receipt, TicketError, read_secret};
use crate::http::{self, Client};

/// How far a message's time may lie from the receiver's clock (the specification's advice is a
/// tolerance; five minutes is its reference libraries').
const TOLERANCE_SECONDS: i64 = 300;
/// Bytes a secret must have (the specification asks for 24 to 64).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Posts each draft as JSON with a signature over id, time and body.
#[derive(Debug)]
pub(crate) struct WebhookConnector {
    name: String,
    client: Client,
    secret: Vec<u8>,
}

impl WebhookConnector {
    pub(crate) fn new(name: &str, config: &Webhook) -> Result<Self, TicketError> {
        let client = Client::new(name, &config.url, config.ca_file.as_deref())?;
        let text = read_secret(name, &config.secret_file)?;
        let secret = decode_secret(&text).ok_or_else(|| TicketError::File {
            connector: name.to_owned(),
            path: config.secret_file.clone(),
            message: "it must hold `whsec_` and 24 to 64 bytes in base64".to_owned(),
        })?;
        Ok(Self { name: name.to_owned(), client, secret })
    }
}

impl Connector for WebhookConnector {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Receipt, Failure> {
        let body = json!({
            "type": "incident.opened",
            "timestamp": now.format(&time::format_description::well_known::Rfc3339).ok(),
            "data": draft,
        })
        .to_string();
        let time = now.unix_timestamp();
        let response = self
            .client
            .agent
            .post(&self.client.base)
            .header("content-type", "application/json")
            .header("webhook-id", &draft.correlation_id)
            .header("webhook-timestamp", time.to_string())
            .header("webhook-signature", sign(&self.secret, &draft.correlation_id, time, &body))
            .send(body)
            .map_err(|error| http::unreachable(&error))?;
        http::accept(response, now)?;
        Ok(Receipt { external_id: draft.correlation_id.clone(), url: None })
    }
}

/// Why a webhook is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The secret is not `whsec_` and base64.
    #[error("the secret is not `whsec_` and 24 to 64 bytes in base64")]
    Secret,
    /// The time is missing or too far off.
    #[error("the time of the message is missing or too far from now")]
    Time,
    /// No signature matches.
    #[error("no signature matches the message")]
    Mismatch,
}

/// Checks what a receiver got: the three headers and the body, against its secret and its clock.
///
/// # Errors
/// When the message was not signed with the secret, or not now.
pub fn verify_signature(
    secret: &str,
    (id, timestamp, signatures): (&str, &str, &str),
    body: &str,
    now: OffsetDateTime,
) -> Result<(), SignatureError> {
    let secret = decode_secret(secret).ok_or(SignatureError::Secret)?;
    let time: i64 = timestamp.parse().map_err(|_| SignatureError::Time)?;
    if time.abs_diff(now.unix_timestamp()) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Time);
    }
    let given = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
    let matches = given
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .any(|signature| mac(&secret, id, time, body).verify_slice(&signature).is_ok());
    if matches { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn sign(secret: &[u8], id: &str, time: i64, body: &str) -> String {
    format!("v1,{}", STANDARD.encode(mac(secret, id, time, body).finalize().into_bytes()))
}

fn mac(secret: &[u8], id: &str, time: i64, body: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    mac
}

fn decode_secret(text: &str) -> Option<Vec<u8>> {
    let secret = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    SECRET_BYTES.contains(&secret.len()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    #[test]
    fn signatures_verify_and_forgeries_do_not() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let time = now.unix_timestamp();
        let good = sign(&decode_secret(SECRET).unwrap(), "id-1", time, "body");
        let stamp = time.to_string();
        let late = (time - 301).to_string();
        for (id, stamp, signature, body, expected) in [
            ("id-1", &stamp, good.clone(), "body", Ok(())),
            ("id-1", &stamp, format!("v2,x {good}"), "body", Ok(())),
            ("id-2", &stamp, good.clone(), "body", Err(SignatureError::Mismatch)),
            ("id-1", &stamp, good.clone(), "body2", Err(SignatureError::Mismatch)),
            ("id-1", &late, good.clone(), "body", Err(SignatureError::Time)),
            ("id-1", &stamp, "v1,".to_owned(), "body", Err(SignatureError::Mismatch)),
        ] {
            assert_eq!(verify_signature(SECRET, (id, stamp, &signature), body, now), expected);
        }
        assert_eq!(
            verify_signature("whsec_c2hvcnQ=", ("id-1", &stamp, &good), "body", now),
            Err(SignatureError::Secret)
        );
    }
}
