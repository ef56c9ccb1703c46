//! A service desk on loopback: takes signed webhooks and keeps what they say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use vedette_ticket::verify_signature;

/// A ticket as the desk has it.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The same for every attempt at one incident.
    pub(super) correlation_id: String,
    pub(super) incident: String,
    pub(super) title: String,
}

#[derive(Clone)]
struct Book {
    secret: String,
    tickets: Arc<Mutex<Vec<Ticket>>>,
}

pub(super) struct Desk {
    address: SocketAddr,
    book: Book,
    /// Serves as long as the desk is kept.
    _runtime: Runtime,
}

impl Desk {
    pub(super) fn open() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("vedette-desk")
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .context("cannot open the demonstration's service desk")?;
        let address = listener.local_addr()?;
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        let book = Book { secret: format!("whsec_{key}"), tickets: Arc::default() };
        let router = Router::new().route("/", post(take)).with_state(book.clone());
        runtime.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demonstration's service desk has closed");
            }
        });
        Ok(Self { address, book, _runtime: runtime })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn secret(&self) -> &str {
        &self.book.secret
    }

    /// The tickets so far, in order of arrival.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.book.tickets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes a ticket whose signature holds; one that it has already is only acknowledged.
async fn take(State(book): State<Book>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header("webhook-id");
    let signed = (id, header("webhook-timestamp"), header("webhook-signature"));
    if let Err(error) = verify_signature(&book.secret, signed, &body, OffsetDateTime::now_utc()) {
        tracing::warn!(%error, "a webhook was refused");
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(message) = serde_json::from_str::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let text =
        |pointer| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ticket = Ticket {
        correlation_id: id.to_owned(),
        incident: text("/data/incident/id"),
        title: text("/data/incident/title"),
    };
    let mut tickets = book.tickets.lock().unwrap_or_else(PoisonError::into_inner);
    if !tickets.iter().any(|known| known.correlation_id == ticket.correlation_id) {
        tickets.push(ticket);
    }
    StatusCode::NO_CONTENT
}
