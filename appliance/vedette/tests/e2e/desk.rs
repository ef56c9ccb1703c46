//! A service desk of the tests' own on loopback: takes webhooks and keeps what they say.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// `whsec_` and 32 bytes in base64.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The bodies of every call, by `webhook-id`.
pub(crate) type Calls = BTreeMap<String, Vec<Value>>;

pub(crate) struct Desk {
    address: SocketAddr,
    calls: Arc<Mutex<Calls>>,
}

impl Desk {
    /// Opens one that forgets to answer the first `lost` calls: the tickets are taken, the caller
    /// cannot know.
    pub(crate) fn open(lost: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let calls = Arc::new(Mutex::new(Calls::new()));
        let book = calls.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                // A caller that is killed in the middle of its words has not called.
                let _ = take(stream, number >= lost, &book);
            }
        });
        Self { address, calls }
    }

    /// The part of the configuration that sends tickets here; writes the secret into a folder.
    pub(crate) fn settings(&self, folder: &Path) -> String {
        let secret = folder.join("desk.secret");
        fs::write(&secret, SECRET).expect("the secret is written");
        format!(
            "[[tickets]]\nkind = \"webhook\"\nurl = \"http://{}/\"\nsecret-file = {secret:?}\n",
            self.address
        )
    }

    pub(crate) fn calls(&self) -> Calls {
        self.calls.lock().expect("nobody panics with it").clone()
    }
}

fn take(stream: TcpStream, answers: bool, book: &Mutex<Calls>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim_end().is_empty() {
            break;
        }
        let (name, value) = line.trim_end().split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => id = value.to_owned(),
            "content-length" => length = value.parse().expect("a length is a number"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).expect("a ticket is JSON");
    book.lock().expect("nobody panics with it").entry(id).or_default().push(body);
    if answers {
        (&stream).write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    }
    Ok(())
}
