//! A real headless Chromium, driven over the W3C WebDriver protocol.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

const DRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";

/// The identifier of an element reference (WebDriver, section "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long one look at a page that is changing lasts.
const LOOK: Duration = Duration::from_millis(100);
/// Looks until a page must show something: a minute, on a machine busy with other tests.
const LOOKS: usize = 600;
/// Longest wait for one command; the first starts the browser.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Nothing but what the test asks for: no network of its own, no first steps, an empty profile.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--window-size=1280,1000",
];

pub(crate) struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Whether there is a browser to drive.
    pub(crate) fn is_installed() -> bool {
        Path::new(DRIVER).exists() && Path::new(CHROMIUM).exists()
    }

    pub(crate) fn start() -> Self {
        let command = &mut Command::new(DRIVER);
        let spawned = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = spawned.expect("chromedriver starts");
        let port = port(&mut driver);
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build();
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, agent: config.into(), session, _profile: profile };
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", browser._profile.path().display()));
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "unhandledPromptBehavior": "ignore",
            "goog:chromeOptions": { "binary": CHROMIUM, "args": flags },
        } } });
        let made = browser.post("", &capabilities);
        let id = made["sessionId"].as_str().expect("a session has an id");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    pub(crate) fn open(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that matches, shown or folded; empty where there is none.
    pub(crate) fn text(&self, selector: &str) -> String {
        let value = self.value(&format!("document.querySelector({selector:?})?.textContent"));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The texts of all elements that match.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let expression =
            format!("[...document.querySelectorAll({selector:?})].map(found => found.textContent)");
        serde_json::from_value(self.value(&expression)).expect("texts are strings")
    }

    pub(crate) fn title(&self) -> String {
        self.value("document.title").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.element(selector)), &json!({}));
    }

    pub(crate) fn write(&self, selector: &str, text: &str) {
        self.post(&format!("{}/value", self.element(selector)), &json!({ "text": text }));
    }

    /// Waits until the page has an element; the number of looks is bounded.
    pub(crate) fn wait_for(&self, selector: &str) {
        self.wait_until(selector, || !self.texts(selector).is_empty());
    }

    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        for _ in 0..LOOKS {
            if condition() {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("{what} did not come; the page says:\n{}", self.text("body"));
    }

    /// A picture of what is shown, as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        use base64::Engine as _;
        let picture = self.get("/screenshot");
        let text = picture.as_str().expect("a picture is text");
        base64::engine::general_purpose::STANDARD.decode(text).expect("it is base64")
    }

    /// Whether a dialog of a script is open.
    pub(crate) fn has_dialog(&self) -> bool {
        let answer = self.agent.get(format!("{}/alert/text", self.session)).call();
        answer.expect("the driver answers").status() == 200
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        format!("/element/{}", found[ELEMENT].as_str().expect("an element has an id"))
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.agent.get(format!("{}{path}", self.session)).call();
        outcome(path, answer.expect("the driver answers"))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.agent.post(format!("{}{path}", self.session)).send_json(body);
        outcome(path, answer.expect("the driver answers"))
    }
}

fn outcome(path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Value {
    let body: Value = answer.body_mut().read_json().expect("the driver speaks JSON");
    assert!(answer.status() == 200, "{path}: {body:#}");
    body["value"].clone()
}

/// The port that the driver says it has.
fn port(driver: &mut Child) -> u16 {
    let said = BufReader::new(driver.stdout.take().expect("its output is a pipe"));
    let lines = said.lines().map(|line| line.expect("it writes text"));
    let port = |line: String| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    };
    lines.filter_map(port).next().expect("chromedriver says its port")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; the driver alone would leave it behind.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
