//! The real Request Tracker 5, from Debian's packages, with a database and a configuration of the
//! test's own, run by its standalone server.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vedette_event::TicketState;

use crate::bench::Bench;

const SERVER: &str = "/usr/share/request-tracker5/libexec/rt-server";
const SETUP: &str = "/usr/sbin/rt-setup-database-5";

/// Makes a token of the root account of the tracker's own.
const TOKEN_SCRIPT: &str = "use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();\
 my $root = RT::User->new(RT->SystemUser); $root->Load('root');\
 my $token = RT::AuthToken->new(RT->SystemUser);\
 my ($ok, $message, $text) = $token->Create(Owner => $root->Id, Description => 'test');\
 die $message unless $ok; print $text;";

struct Tracker {
    server: Child,
    url: String,
    token: String,
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // The server forks its workers: the whole group goes.
        let group = format!("-{}", self.server.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.server.wait();
    }
}

fn perl(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("RT_SITE_CONFIG", folder.join("RT_SiteConfig.pm"))
        .env("RT_SITE_CONFIG_DIR", folder.join("conf.d"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A free port; the server of the tracker cannot be asked to choose one.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn start(folder: &Path) -> Tracker {
    let port = free_port();
    fs::create_dir_all(folder.join("conf.d")).expect("a folder");
    let config = format!(
        "Set($rtname, 'test'); Set($Organization, 'test'); Set($WebDomain, '127.0.0.1');\
         Set($WebPort, {port}); Set($WebPath, ''); Set($WebBaseURL, 'http://127.0.0.1:{port}');\
         Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{folder}/rt.sqlite');\
         Set($DatabaseUser, ''); Set($DatabasePassword, ''); Set($LogToSyslog, undef);\
         Set($LogToSTDERR, 'error'); Set($LogToFile, undef); Set($Timezone, 'UTC');\
         Set($WebSessionClass, 'Apache::Session::File'); Set($MailCommand, 'mbox'); 1;",
        folder = folder.display(),
    );
    fs::write(folder.join("RT_SiteConfig.pm"), config).expect("the configuration is written");
    let set_up = perl(folder, SETUP)
        .args(["--action", "init", "--skip-create"])
        .stdout(Stdio::null())
        .status();
    assert!(set_up.expect("the set-up runs").success());
    let token = perl(folder, "perl").args(["-e", TOKEN_SCRIPT]).output().expect("perl runs").stdout;
    let token = String::from_utf8(token).expect("a token is ASCII");
    assert!(!token.is_empty(), "the tracker gave no token");
    let mut server = perl(folder, SERVER);
    std::os::unix::process::CommandExt::process_group(&mut server, 0);
    let server = server.args(["--port", &port.to_string()]).stdout(Stdio::null()).spawn();
    let tracker = Tracker {
        server: server.expect("the server starts"),
        url: format!("http://127.0.0.1:{port}"),
        token,
    };
    wait_for(port);
    tracker
}

fn wait_for(port: u16) {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("Request Tracker does not answer");
}

fn get(tracker: &Tracker, path: &str) -> serde_json::Value {
    let agent = ureq::Agent::new_with_defaults();
    let answer = agent
        .get(format!("{}/REST/2.0/{path}", tracker.url))
        .header("authorization", format!("token {}", tracker.token))
        .call();
    let text = answer.expect("an answer").body_mut().read_to_string().expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn one_incident_is_one_ticket_in_the_real_tracker() {
    if !Path::new(SERVER).exists() {
        println!(
            "skipped: Request Tracker is not installed (request-tracker5 rt5-db-sqlite rt5-standalone)"
        );
        return;
    }
    let mut bench = Bench::new();
    let folder = bench.folder.path().join("rt");
    fs::create_dir(&folder).expect("a folder");
    let tracker = start(&folder);
    let secret = bench.secret(&tracker.token).display().to_string();
    let config = format!(
        r#"{{"kind": "request-tracker", "url": "{}", "token-file": "{secret}", "queue": "General"}}"#,
        tracker.url
    );
    bench.file("request-tracker");
    let ticket = bench.deliver(&config);
    assert_eq!(ticket.state, TicketState::Delivered, "{ticket:?}");
    let id = ticket.external_id.expect("a delivered ticket has an id");

    let shown = get(&tracker, &format!("ticket/{id}"));
    assert_eq!(shown["Subject"], "[vedette-vd-test-INC-7] Somebody guessed a password on gate");
    assert_eq!(shown["Status"], "new");

    // A crash between the tracker's answer and the note of it: a store that knows of no receipt.
    drop(fs::remove_dir_all(bench.folder.path().join("state")));
    bench.open();
    bench.file("request-tracker");
    assert_eq!(bench.deliver(&config).external_id.as_deref(), Some(id.as_str()));
    let all = get(&tracker, "tickets?query=Subject%20LIKE%20%27vedette%27");
    assert_eq!(all["total"], 1, "{all}");
}
