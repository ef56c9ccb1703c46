//! The console as a person meets it on the first day: claim the box, see what needs them, look into
//! it, search, close it.

use std::fs;
use std::path::Path;

use crate::appliance::{Appliance, NO_MODEL, PLAIN};
use crate::browser::Browser;
use crate::lines;

const ATTACKER: &str = "203.0.113.66";
const PASSWORD: &str = "correct horse battery";

/// What an attacker writes into the log for whoever reads it in a browser.
const HOSTILE: [&str; 3] = [
    "<script>window.pwned=1</script>",
    "\"><img/src=x/onerror=window.pwned=2>",
    "\u{202e}\x1b]0;owned\x07<svg/onload=alert(3)>",
];

#[test]
fn a_person_claims_the_box_and_handles_an_incident() {
    if !Browser::is_installed() {
        return println!("skipped: chromium is not installed (Debian: chromium, chromium-driver)");
    }
    let appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}"));
    attack(&appliance);
    let browser = Browser::start();
    let home = format!("https://{}", appliance.address("https"));
    browser.open(&home);
    claim(&browser, &appliance);
    let incident = today(&browser);
    open_incident(&browser, &incident);
    search(&browser, &home);
    system(&browser, &home);
    close(&browser, &format!("{home}{incident}"));
}

/// An SSH login after password guessing, with hostile text among the guessed names.
fn attack(appliance: &Appliance) {
    let mut sent = lines::guessing(ATTACKER, 4000);
    let hostile = HOSTILE.iter().map(|name| {
        format!("<38>Nov 20 10:00:20 gate sshd[4100]: Failed password for invalid user {name} from {ATTACKER} port 4022 ssh2")
    });
    let middle = sent.len() / 2;
    sent.splice(middle..middle, hostile);
    appliance.send_tcp(sent.iter().map(String::as_bytes));
    appliance.wait_stored(sent.len() as u64);
    appliance.wait_triaged();
}

fn claim(browser: &Browser, appliance: &Appliance) {
    browser.wait_for("form[action='/claim']");
    let log = appliance.log_text();
    let (_, code) = log.split_once("the claim code is ").expect("the log tells the claim code");
    let code = code.split_whitespace().next().expect("the code is a word");
    for (code, expected) in [("WRONG-CODE", "#refused"), (code, "#today")] {
        browser.write("input[name=code]", code);
        browser.value("document.querySelector('input[name=name]').value = ''");
        browser.write("input[name=name]", "mia");
        browser.write("input[name=password]", PASSWORD);
        browser.click("button.primary");
        browser.wait_for(expected);
    }
    is_unharmed(browser, "Today · Vedette");
}

/// The address of the incident that stands first.
fn today(browser: &Browser) -> String {
    browser.wait_for("#today .incident a.title");
    let entry = browser.text("#today .incident");
    for expected in [ATTACKER, "Why: ", "risk ", "line"] {
        assert!(entry.contains(expected), "{expected:?} is not in {entry:?}");
    }
    // Guidance comes with the filing, which may be a moment behind: the page shows it by itself.
    browser.wait_until("the first step", || browser.text("#today .incident").contains("First: "));
    save(browser, "today");
    let address = browser.value("document.querySelector('#today a.title').getAttribute('href')");
    address.as_str().expect("an address is text").to_owned()
}

fn open_incident(browser: &Browser, incident: &str) {
    browser.click("#today a.title");
    browser.wait_for("#summary");
    let number = incident.rsplit('/').next().expect("an address has parts");
    assert!(browser.text("#summary").contains(number));
    assert!(browser.text("#summary").contains("risk "));
    assert!(browser.text("#techniques").contains("T1110"), "{}", browser.text("#techniques"));
    assert!(browser.text("#techniques").contains("Brute Force"), "names stand beside the ids");

    let points: i64 =
        browser.texts("#risk tbody td.number").iter().map(|text| number_of(text)).sum();
    assert_eq!(points, number_of(&browser.text("#risk tfoot td.number")), "the reasons add up");
    assert!(points > 0);

    let marks = browser.texts("#evidence mark");
    assert!(marks.iter().any(|mark| mark.contains("password")), "{marks:?}");
    let lines = browser.text("#timeline");
    for hostile in ["<script>window.pwned=1</script>", "<img/src=x/onerror=window.pwned=2>"] {
        assert!(lines.contains(hostile), "{hostile} is shown as text: {lines}");
    }
    assert!(lines.contains("\\u{202e}\\u{1b}]0;owned"), "the invisible is shown: {lines}");
    assert!(lines.contains("Accepted password for root"), "the login is in the timeline: {lines}");

    let queries = browser.texts("#queries pre");
    assert!(
        queries.len() >= 3 && queries.iter().all(|query| query.contains(ATTACKER)),
        "{queries:?}"
    );
    browser.click("#queries button[data-copy]");
    browser.wait_until("an answer to Copy", || browser.text("#queries button") != "Copy");
    assert!(browser.text("#fields").contains("source.ip"));

    assert!(browser.texts("#resolution ol.steps li").len() > 3);
    let sources = browser.texts("#resolution .source");
    assert!(sources.iter().all(|source| source.contains('#')), "{sources:?}");
    is_unharmed(browser, &format!("{} · Vedette", browser.text("h1")));
    save(browser, "incident");
}

fn search(browser: &Browser, home: &str) {
    browser.open(&format!("{home}/events"));
    for (query, expected, found) in [
        ("nonsense =", "#query-error", "cannot be read"),
        ("source.ip = 203.0.113.66 since 30d", "#events", "Failed password"),
        ("\"window.pwned\" since 30d", "#events", "<script>window.pwned=1</script>"),
    ] {
        browser.value("document.querySelector('#q').value = ''");
        browser.write("#q", query);
        browser.click("form.search button");
        browser.wait_until(query, || browser.text(expected).contains(found));
    }
    is_unharmed(browser, "Events · Vedette");
    save(browser, "events");
}

fn system(browser: &Browser, home: &str) {
    browser.open(&format!("{home}/system"));
    assert!(browser.text("#model").contains("off"), "{}", browser.text("#model"));
    assert!(browser.text("#sources").contains("127.0.0.1"));
    assert!(!browser.texts("#hardware tbody tr").is_empty());
    is_unharmed(browser, "System · Vedette");
    save(browser, "system");
}

fn close(browser: &Browser, incident: &str) {
    browser.open(incident);
    browser.write("#outcome textarea", "password changed, address blocked");
    browser.click("#outcome button.primary");
    browser.wait_until("the outcome", || browser.text("#outcome").contains("Said mia"));
    assert!(browser.text("#outcome").contains("password changed, address blocked"));
    browser.click("header form button");
    browser.wait_for("form[action='/login']");
    browser.open(incident);
    browser.wait_for("form[action='/login'] input[name=next][value^='/incidents/']");
}

/// No script of the log text has run, and none of its markup is in the page.
fn is_unharmed(browser: &Browser, title: &str) {
    assert!(!browser.has_dialog(), "a script has opened a dialog");
    assert_eq!(browser.title(), title);
    assert_eq!(browser.value("typeof window.pwned"), "undefined");
    assert_eq!(browser.texts("main script, main img, main svg, main iframe").len(), 0);
}

fn number_of(text: &str) -> i64 {
    text.trim().trim_start_matches('+').parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Keeps a picture of the page for whoever wants to look.
fn save(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    let picture = browser.screenshot();
    assert!(picture.starts_with(b"\x89PNG"), "a picture is PNG");
    fs::write(folder.join(format!("{name}.png")), picture).expect("the picture is written");
}
