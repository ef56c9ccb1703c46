//! A console that runs, and a client of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use vedette_console::{Console, ConsoleParts, Device, serve_metrics};
use vedette_event::{
    HardwareCheck, IngestStatus, ModelState, ModelStatus, Status, StoreStatus, TechniqueId,
};
use vedette_store::{Account, Options, Role, Store};
use vedette_telemetry::Registry;

/// The claim code of the box under test.
pub(crate) const CODE: &str = "CODE-7";
/// A password that is long enough.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Longest wait for an answer, on a machine busy with other tests.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The time it is on the box.
pub(crate) fn now() -> OffsetDateTime {
    datetime!(2026-03-01 12:00 UTC)
}

/// A console with its store, stopped when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) store: Store,
    certificate: String,
    stop: CancellationToken,
    _runtime: Runtime,
    _folder: TempDir,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::with_status(status())
    }

    pub(crate) fn with_status(status: Status) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::default();
        let mut options = Options::default();
        options.retention.days = 100_000;
        let store = Store::open(folder.path(), options, &registry).unwrap();
        let runtime = Runtime::new().unwrap();
        let stop = CancellationToken::new();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (cert.pem(), signing_key.serialize_pem());
        let loopback = "127.0.0.1:0".parse().unwrap();
        let console = Console::bind(loopback, None, (&certificate, &key)).unwrap();
        let address = console.address().unwrap();
        let metrics =
            runtime.block_on(serve_metrics(loopback, registry.clone(), stop.clone())).unwrap();
        let device = Arc::new(FakeDevice { status, code: Mutex::new(Some(CODE.to_owned())) });
        let (reader, writer) = (store.reader(), store.writer());
        let parts = ConsoleParts { reader, writer, device, registry };
        let until = stop.clone();
        runtime.spawn(async move { console.run(parts, until).await.unwrap() });
        Self { address, metrics, store, certificate, stop, _runtime: runtime, _folder: folder }
    }

    /// Somebody who is not logged in.
    pub(crate) fn stranger(&self) -> Client {
        let root = Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        let tls = TlsConfig::builder().root_certs(RootCerts::from(vec![root])).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .build();
        let base = format!("https://{}", self.address);
        Client { agent: config.into(), base, cookie: Mutex::default() }
    }

    /// Somebody who is logged in with this role.
    pub(crate) fn user(&self, role: Role) -> Client {
        let client = self.stranger();
        let owner =
            Account { name: role.to_string(), role, password_hash: String::new(), created: now() };
        self.store.writer().put_account(owner).unwrap();
        // The first claim made through the page decides the password of nobody here: a session is
        // put straight into the store, as its hash.
        let token = format!("token-of-{role}");
        let until = OffsetDateTime::now_utc() + time::Duration::hours(1);
        self.store.writer().put_session(&hash(&token), role.as_str(), until).unwrap();
        *client.cookie.lock().unwrap() = Some(format!("__Host-vedette={token}"));
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the store keeps of a token: its SHA-256, in base64 for URLs.
fn hash(token: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(token))
}

/// A browser of a few lines: one cookie, no redirects.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    cookie: Mutex<Option<String>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.base));
        let request = request.header("Cookie", self.cookies());
        self.answer(request.call())
    }

    /// Sends a form as the page of an origin would.
    pub(crate) fn form(&self, path: &str, origin: Option<&str>, pairs: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        request = request.header("Cookie", self.cookies());
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        self.answer(request.send_form(pairs.iter().copied()))
    }

    pub(crate) fn json(&self, path: &str, body: &serde_json::Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("Cookie", self.cookies());
        self.answer(request.send_json(body))
    }

    pub(crate) fn origin(&self) -> &str {
        &self.base
    }

    fn cookies(&self) -> String {
        self.cookie.lock().unwrap().clone().unwrap_or_default()
    }

    fn answer(&self, response: Result<Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = response.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            *self.cookie.lock().unwrap() = Some(cookie.to_owned());
        }
        Answer {
            status: response.status().as_u16(),
            body: response.body_mut().read_to_string().unwrap(),
            headers: response.headers().clone(),
        }
    }
}

struct FakeDevice {
    status: Status,
    code: Mutex<Option<String>>,
}

impl Device for FakeDevice {
    fn status(&self) -> Status {
        self.status.clone()
    }

    fn now(&self) -> OffsetDateTime {
        now()
    }

    fn technique(&self, id: TechniqueId) -> Option<(&'static str, &'static str)> {
        (id.to_string() == "T1110").then_some(("Brute Force", "Credential Access"))
    }

    fn claim(&self, code: &str) -> Result<bool, String> {
        let mut wanted = self.code.lock().unwrap();
        let right = wanted.as_deref() == Some(code);
        if right {
            *wanted = None;
        }
        Ok(right)
    }

    fn one_time_login(&self, code: &str) -> bool {
        self.claim(code).unwrap()
    }
}

/// A box in good health without a model.
pub(crate) fn status() -> Status {
    Status {
        version: "1.2.3".to_owned(),
        schema: 1,
        slot: None,
        healthy: true,
        reasons: Vec::new(),
        running: true,
        device_id: "vd-test".to_owned(),
        started_at: Some(now()),
        model: ModelStatus {
            state: ModelState::Missing,
            detail: Some("no bundle: run vedette model pull".to_owned()),
            bundle: None,
            answered: 0,
            restarts: 0,
        },
        ingest: IngestStatus::default(),
        store: StoreStatus::default(),
        open_incidents: 0,
        tickets: std::collections::BTreeMap::new(),
        hardware: vec![HardwareCheck {
            name: "memory".to_owned(),
            state: vedette_event::CheckState::Ok,
            detail: "4 GiB".to_owned(),
        }],
    }
}
