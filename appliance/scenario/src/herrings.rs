//! Harmless things that look like attacks. Every day has them all.

use crate::Kind;
use crate::company::HostId;
use crate::devices::firewall::Flow;
use crate::devices::web::Request;
use crate::dice::{HOUR, MINUTE, Rhythm};
use crate::stage::{Plot, Stage};

pub(crate) fn play(stage: &mut Stage) {
    for herring in [
        mistyped_password,
        vulnerability_scanner,
        nightly_backup,
        health_checks,
        crawler,
        certificate,
        failing_cron,
        admin_work,
        windows_update,
    ] {
        herring(stage);
    }
}

fn harmless(kind: Kind, attackers: Vec<std::net::Ipv4Addr>, victim: String) -> Plot {
    Plot { kind, attackers, victim, class: "benign", techniques: &[] }
}

fn mistyped_password(stage: &mut Stage) {
    let (at, user) =
        (stage.dice.moment(Rhythm::Morning), stage.dice.range(0..=stage.company.users.len() - 1));
    let (login, ws) =
        (stage.company.users[user].login.clone(), stage.company.users[user].workstation);
    let (from, server) = (stage.company.address(ws), stage.company.app);
    let plot = harmless(Kind::MistypedPassword, vec![from], stage.company.name(server));
    let way = stage.dice.range(0..=2);
    stage.tell(plot, |stage| {
        for tries in 0..3 {
            let at = at + f64::from(tries) * 9.0;
            let right = tries == 2;
            match (way, right) {
                (0, false) => stage.ssh_failed(at, server, (&login, from), true),
                (0, true) => {
                    stage.ssh_login(at, server, (&login, from), "password");
                }
                (1, false) => stage.imap_failed(at, &login, from),
                (1, true) => stage.imap_login(at, &login, from),
                (_, right) => stage.win_logon(at, ws, (&login, from), (2, right)),
            }
        }
    });
}

fn vulnerability_scanner(stage: &mut Stage) {
    const PATHS: [&str; 9] = [
        "/.git/HEAD",
        "/admin/",
        "/server-status",
        "/phpinfo.php",
        "/backup.zip",
        "/cgi-bin/test.cgi",
        "/manager/html",
        "/index.php?id=1%27",
        "/robots.txt",
    ];
    let from = stage.company.address(stage.company.backup);
    let agent = *stage.dice.pick(&[
        "Mozilla/5.0 [en] (X11, U; OpenVAS-VT 23.4.1)",
        "Mozilla/4.0 (compatible; internal-scan; it@company)",
    ]);
    let mut at = stage.dice.range(1.0..=4.0) * HOUR;
    let plot =
        harmless(Kind::VulnerabilityScanner, vec![from], stage.company.name(stage.company.web));
    stage.tell(plot, |stage| {
        stage.daemon(
            at - 5.0,
            stage.company.backup,
            ("gvmd[988]", "Status of task Weekly internal scan has changed to Running"),
        );
        for _ in 0..stage.dice.range(40..=80) {
            at += stage.dice.range(0.1..=2.0);
            if stage.dice.chance(0.7) {
                let path = *stage.dice.pick(&PATHS);
                let status = *stage.dice.pick(&[404, 404, 404, 403, 200]);
                stage.request(at, &Request { from, method: "GET", path, status, agent });
            } else {
                let [targets @ .., _scanner] = stage.company.linux();
                let host = *stage.dice.pick(&targets);
                let port = *stage.dice.pick(&[21, 23, 111, 139, 3306, 8009]);
                stage.ufw_block(at, host, (from, port));
            }
        }
        stage.daemon(
            at + 5.0,
            stage.company.backup,
            ("gvmd[988]", "Status of task Weekly internal scan has changed to Done"),
        );
    });
}

fn nightly_backup(stage: &mut Stage) {
    let (host, to) = (stage.company.backup, stage.company.vault);
    let from = stage.company.address(host);
    let start = stage.dice.range(0.5..=3.5) * HOUR;
    let plot = harmless(Kind::NightlyBackup, vec![from], stage.company.name(host));
    stage.tell(plot, |stage| {
        stage.cron(start, host, ("root", "/usr/local/sbin/backup-offsite"));
        stage.backup(start + 2.0, "repository opened (version 2, compression level auto)");
        let name = format!("vault.{}", stage.company.domain);
        stage.dns_query(start + 3.0, from, (&name, to));
        for part in 0..stage.dice.range(4..=9u32) {
            let flow = Flow {
                from,
                to,
                port: 443,
                sent: stage.dice.range(2_000_000_000..=9_000_000_000),
                received: stage.dice.range(200_000..=9_000_000),
                duration: stage.dice.range(300..=900),
            };
            let at = start + 600.0 * f64::from(part + 1);
            stage.flow_allowed(at, flow);
            stage.eve_flow(at + 1.0, flow);
        }
        let id = stage.dice.hex(8);
        stage.backup(start + 6_500.0, &format!("snapshot {id} saved"));
    });
}

fn health_checks(stage: &mut Stage) {
    let from = stage.company.address(stage.company.dns);
    let agent = *stage.dice.pick(&[
        "check_http/v2.4 (monitoring-plugins 2.4)",
        "Uptime-Probe/1.3",
        "kube-probe/1.31",
    ]);
    let path = *stage.dice.pick(&["/healthz", "/status", "/ping"]);
    let step = f64::from(*stage.dice.pick(&[10u8, 12, 15])) * MINUTE;
    let plot = harmless(Kind::HealthChecks, vec![from], stage.company.name(stage.company.web));
    stage.tell(plot, |stage| {
        let mut at = stage.dice.range(1.0..=60.0);
        while at < 24.0 * HOUR {
            stage.request(at, &Request { from, method: "GET", path, status: 200, agent });
            let (pid, port) = (stage.dice.pid(), stage.dice.port());
            let text = format!("Connection closed by {from} port {port} [preauth]");
            stage.sshd(at + 1.0, stage.company.app, (pid, &text));
            at += step;
        }
    });
}

fn crawler(stage: &mut Stage) {
    let from = stage.dice.public();
    let agent = *stage.dice.pick(&[
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; SearchRobot/3.1; +https://search.web.example/robot)",
    ]);
    let plot = harmless(Kind::Crawler, vec![from], stage.company.name(stage.company.web));
    let mut at = stage.dice.range(0.0..=20.0) * HOUR;
    stage.tell(plot, |stage| {
        stage
            .request(at, &Request { from, method: "GET", path: "/robots.txt", status: 200, agent });
        for page in 0..stage.dice.range(30..=70) {
            at += stage.dice.range(1.0..=30.0);
            let old = format!("/news/{}/{page}.html", 2014 + page % 10);
            let (path, status) = if stage.dice.chance(0.25) {
                (old.as_str(), 404)
            } else {
                (*stage.dice.pick(stage.company.web_app), 200)
            };
            stage.request(at, &Request { from, method: "GET", path, status, agent });
        }
    });
}

fn certificate(stage: &mut Stage) {
    let (web, at) = (stage.company.web, stage.dice.moment(Rhythm::Always));
    let askers: Vec<_> = (0..4).map(|_| stage.dice.public()).collect();
    let plot = harmless(Kind::CertificateRenewal, askers.clone(), stage.company.name(web));
    stage.tell(plot, |stage| {
        stage.systemd(at, web, "Starting certbot.service - Certbot...");
        let path = format!("/.well-known/acme-challenge/{}", stage.dice.base64(43).replace(['+', '/'], "-"));
        let agent = "Mozilla/5.0 (compatible; Let's Encrypt validation server; +https://www.letsencrypt.org)";
        for (step, from) in (1u8..).zip(askers) {
            stage.request(at + f64::from(step), &Request { from, method: "GET", path: &path, status: 200, agent });
        }
        stage.systemd(at + 9.0, web, "Finished certbot.service - Certbot.");
        stage.systemd(at + 10.0, web, &format!("Reloaded {}.service.", stage.company.web_server));
    });
}

fn failing_cron(stage: &mut Stage) {
    let host = *stage.dice.pick(&stage.company.linux());
    let job = *stage.dice.pick(&[
        "/opt/sync/pull-prices.sh",
        "/usr/local/bin/import-orders",
        "/srv/tools/geo-update",
    ]);
    let plot = harmless(Kind::FailingCron, Vec::new(), stage.company.name(host));
    stage.tell(plot, |stage| {
        for half_hour in 0..48u8 {
            let at = f64::from(half_hour) * 30.0 * MINUTE + 1.0;
            stage.cron(at, host, ("root", job));
            let tag = job.rsplit('/').next().unwrap_or(job);
            stage.daemon(at + 2.0, host, (tag, "error: connection to database failed: password authentication failed for user \"sync\""));
        }
    });
}

fn admin_work(stage: &mut Stage) {
    const COMMANDS: [&str; 8] = [
        "/usr/bin/apt update",
        "/usr/bin/apt full-upgrade",
        "/usr/bin/systemctl restart postfix",
        "/usr/bin/journalctl -u nginx --since today",
        "/usr/bin/vim /etc/hosts",
        "/usr/sbin/ufw status verbose",
        "/usr/bin/less /var/log/auth.log",
        "/usr/bin/docker ps",
    ];
    let (login, ws) = (stage.company.admin.login.clone(), stage.company.admin.workstation);
    let from = stage.company.address(ws);
    let plot = harmless(Kind::AdminWork, vec![from], stage.company.name(stage.company.app));
    stage.tell(plot, |stage| {
        for _ in 0..stage.dice.range(3..=6) {
            let host = *stage.dice.pick(&stage.company.linux());
            let mut at = stage.dice.moment(Rhythm::Office);
            let pid = stage.ssh_login(at, host, (&login, from), "publickey");
            for _ in 0..stage.dice.range(1..=5) {
                at += stage.dice.range(5.0..=200.0);
                let command = *stage.dice.pick(&COMMANDS);
                stage.sudo(at, host, (&login, command));
            }
            stage.ssh_logout(at + 30.0, host, (&login, pid));
        }
        admin_on_windows(stage, &login, from);
    });
}

fn admin_on_windows(stage: &mut Stage, login: &str, from: std::net::Ipv4Addr) {
    let (at, host) = (stage.dice.moment(Rhythm::Office), stage.company.files);
    stage.win_logon(at, host, (login, from), (10, true));
    let fields = vec![
        ("SubjectUserName", login.to_owned()),
        ("PrivilegeList", "SeBackupPrivilege SeRestorePrivilege SeDebugPrivilege".to_owned()),
    ];
    let headline = "Special privileges assigned to new logon.";
    stage.security(at + 0.1, host, (4672, "AUDIT_SUCCESS", headline), fields);
    let shell = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
    stage.process(
        at + 60.0,
        host,
        login,
        (shell, "powershell.exe -NoLogo -Command Get-Service", "C:\\Windows\\explorer.exe"),
    );
}

fn windows_update(stage: &mut Stage) {
    let host: HostId = stage.dice.pick(&stage.company.users).workstation;
    let mut at = stage.dice.range(11.5..=13.5) * HOUR;
    let plot = harmless(Kind::WindowsUpdate, Vec::new(), stage.company.name(host));
    stage.tell(plot, |stage| {
        stage.service_state(at, host, ("Windows Update", "running"));
        for _ in 0..stage.dice.range(2..=5) {
            at += stage.dice.range(30.0..=300.0);
            let update = format!("Cumulative Update for Windows 11 (KB50{})", stage.dice.range(10_000..=99_999));
            stage.process(at, host, "SYSTEM", ("C:\\Windows\\servicing\\TrustedInstaller.exe", "C:\\Windows\\servicing\\TrustedInstaller.exe", "C:\\Windows\\System32\\services.exe"));
            let headline = format!("Installation Successful: Windows successfully installed the following update: {update}");
            update_event(stage, at + 20.0, host, (19, &headline));
        }
        stage.defender(at + 30.0, host, (2000, "INFO", "Microsoft Defender Antivirus security intelligence version updated."), vec![("Current security intelligence Version", "1.419.233.0".to_owned())]);
        stage.service_state(at + 60.0, host, ("Windows Update", "stopped"));
    });
}

fn update_event(stage: &mut Stage, at: f64, host: HostId, (id, headline): (u16, &str)) {
    let event = crate::devices::windows::WinEvent {
        id,
        channel: "System",
        provider: "Microsoft-Windows-WindowsUpdateClient",
        kind: "INFO",
        headline,
        fields: vec![("updateGuid", format!("{{{}}}", stage.dice.hex(32)))],
    };
    stage.windows(at, host, &event);
}
