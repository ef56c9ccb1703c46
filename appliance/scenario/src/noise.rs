//! The ordinary work of a day, until there are enough lines.

use crate::company::HostId;
use crate::devices::firewall::Flow;
use crate::devices::web::{BROWSERS, Request};
use crate::dice::Rhythm;
use crate::stage::Stage;

/// How often a piece of work happens against the others, and what it is.
type Work = (u32, fn(&mut Stage));

const WORK: [Work; 20] = [
    (150, browse),
    (110, visit),
    (60, receive_mail),
    (70, read_mail),
    (60, open_share),
    (60, start_program),
    (25, begin_work),
    (20, probe_edge),
    (12, probe_asa),
    (8, probe_server),
    (50, run_cron),
    (30, run_timer),
    (25, renew_lease),
    (35, roam),
    (45, use_nas),
    (12, print),
    (8, work_from_home),
    (25, resolve_name),
    (15, change_service),
    (18, leave_through_asa),
];

/// Adds work until the day has about `lines` lines.
pub(crate) fn fill(stage: &mut Stage, lines: usize) {
    let total: u32 = WORK.iter().map(|(weight, _)| weight).sum();
    while stage.len() < lines {
        let mut left = stage.dice.range(0..=total - 1);
        for (weight, work) in WORK {
            if left < weight {
                work(stage);
                break;
            }
            left -= weight;
        }
    }
}

/// Somebody, their workstation.
fn person(stage: &mut Stage) -> (String, HostId) {
    let user = stage.dice.pick(&stage.company.users);
    (user.login.clone(), user.workstation)
}

fn browse(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (_, host) = person(stage);
    let from = stage.company.address(host);
    let (name, to) = *stage.dice.pick(&stage.company.sites);
    stage.dns_query(at, from, (name, to));
    let flow = Flow {
        from,
        to,
        port: if stage.dice.chance(0.9) { 443 } else { 80 },
        sent: stage.dice.range(900..=60_000),
        received: stage.dice.range(4_000..=4_000_000),
        duration: stage.dice.range(1..=240),
    };
    stage.flow_allowed(at + 0.3, flow);
    if stage.dice.chance(0.3) {
        stage.eve_tls(at + 0.2, flow, name);
    }
}

fn visit(stage: &mut Stage) {
    let rhythm = if stage.dice.chance(0.7) { Rhythm::Office } else { Rhythm::Always };
    let mut at = stage.dice.moment(rhythm);
    let (from, agent) = (stage.dice.public(), *stage.dice.pick(&BROWSERS));
    for _ in 0..stage.dice.range(1..=5) {
        let path = *stage.dice.pick(stage.company.web_app);
        let status = *stage.dice.pick(&[200, 200, 200, 200, 200, 304, 304, 301, 404]);
        let method = if status != 200 || stage.dice.chance(0.94) { "GET" } else { "POST" };
        stage.request(at, &Request { from, method, path, status, agent });
        at += stage.dice.range(0.2..=25.0);
    }
}

fn receive_mail(stage: &mut Stage) {
    const SENDERS: [&str; 6] = [
        "orders@shop.paper.example",
        "news@news.daily.example",
        "team@partner-gmbh.example",
        "billing@vendor.example",
        "noreply@docs.cloud.example",
        "info@customer-ag.example",
    ];
    let at = stage.dice.moment(Rhythm::Office);
    let (user, _) = person(stage);
    let to = format!("{user}@{}", stage.company.domain);
    let (from, client) = (*stage.dice.pick(&SENDERS), stage.dice.public());
    stage.mail_delivered(at, (from, &to), client);
}

fn read_mail(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (user, host) = person(stage);
    let inside = stage.company.address(host);
    let from = if stage.dice.chance(0.8) { inside } else { *stage.dice.pick(&stage.company.homes) };
    stage.imap_login(at, &user, from);
}

fn open_share(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (user, host) = person(stage);
    let (from, server) = (stage.company.address(host), stage.company.files);
    stage.win_logon(at, server, (&user, from), (3, true));
    if stage.dice.chance(0.6) {
        let fields = vec![("TargetUserName", user), ("LogonType", "3".to_owned())];
        let end = at + stage.dice.range(20.0..=900.0);
        stage.security(end, server, (4634, "AUDIT_SUCCESS", "An account was logged off."), fields);
    }
}

fn start_program(stage: &mut Stage) {
    const PROGRAMS: [(&str, &str); 6] = [
        ("C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", "\"OUTLOOK.EXE\""),
        (
            "C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
            "\"EXCEL.EXE\" \"S:\\budget\\plan.xlsx\"",
        ),
        (
            "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
            "\"chrome.exe\" --type=renderer",
        ),
        (
            "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
            "\"msedge.exe\" --profile-directory=Default",
        ),
        ("C:\\Windows\\System32\\notepad.exe", "notepad.exe C:\\Users\\Public\\notes.txt"),
        ("C:\\Program Files\\7-Zip\\7zFM.exe", "\"7zFM.exe\" Z:\\projects\\plans.zip"),
    ];
    let at = stage.dice.moment(Rhythm::Office);
    let (user, host) = person(stage);
    let (image, command) = *stage.dice.pick(&PROGRAMS);
    stage.process(at, host, &user, (image, command, "C:\\Windows\\explorer.exe"));
}

fn begin_work(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Morning);
    let (user, host) = person(stage);
    stage.dhcp(at - 40.0, host);
    let from = stage.company.address(host);
    let fields = vec![
        ("TargetUserName", user.clone()),
        ("TargetDomainName", stage.company.realm.clone()),
        ("ServiceName", "krbtgt".to_owned()),
        ("Status", "0x0".to_owned()),
        ("IpAddress", format!("::ffff:{from}")),
    ];
    let headline = "A Kerberos authentication ticket (TGT) was requested.";
    stage.security(at - 1.0, stage.company.controller, (4768, "AUDIT_SUCCESS", headline), fields);
    stage.win_logon(at, host, (&user, from), (2, true));
}

fn probe_edge(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Always);
    let flow = Flow {
        from: stage.dice.public(),
        to: stage.company.wan,
        port: *stage.dice.pick(&[23, 80, 445, 3389, 5060, 8080, 8443, 2222, 6379, 1433]),
        sent: 0,
        received: 0,
        duration: 0,
    };
    stage.flow_blocked(at, flow);
}

fn probe_asa(stage: &mut Stage) {
    let (at, from) = (stage.dice.moment(Rhythm::Always), stage.dice.public());
    let port = *stage.dice.pick(&[22, 23, 445, 3389, 5900, 8088]);
    stage.asa_denied(at, from, port);
}

fn probe_server(stage: &mut Stage) {
    let (at, from) = (stage.dice.moment(Rhythm::Always), stage.dice.public());
    let host = *stage.dice.pick(&stage.company.linux());
    let port = *stage.dice.pick(&[23, 2323, 3306, 5432, 6379, 9200]);
    stage.ufw_block(at, host, (from, port));
}

fn run_cron(stage: &mut Stage) {
    const JOBS: [(&str, &str); 6] = [
        ("root", "cd / && run-parts --report /etc/cron.hourly"),
        ("root", "command -v debian-sa1 > /dev/null && debian-sa1 1 1"),
        ("www-data", "/usr/bin/php /srv/www/cron.php"),
        ("root", "/usr/local/bin/collect-metrics"),
        ("root", "test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily"),
        ("postgres", "/usr/bin/vacuumdb --all --analyze-only --quiet"),
    ];
    let hour = f64::from(stage.dice.range(0..=23u8)) * 3600.0;
    let minute = f64::from(*stage.dice.pick(&[1u8, 5, 15, 17, 25, 35, 45, 55])) * 60.0;
    let host = *stage.dice.pick(&stage.company.linux());
    let job = *stage.dice.pick(&JOBS);
    stage.cron(hour + minute + 1.0, host, job);
}

fn run_timer(stage: &mut Stage) {
    const UNITS: [(&str, &str); 5] = [
        ("logrotate.service", "Rotate log files"),
        ("apt-daily.service", "Daily apt download activities"),
        ("fstrim.service", "Discard unused blocks on filesystems"),
        ("systemd-tmpfiles-clean.service", "Cleanup of Temporary Directories"),
        ("phpsessionclean.service", "Clean php session files"),
    ];
    let at = stage.dice.moment(Rhythm::Always);
    let host = *stage.dice.pick(&stage.company.linux());
    let (unit, what) = *stage.dice.pick(&UNITS);
    stage.systemd(at, host, &format!("Starting {unit} - {what}..."));
    stage.systemd(at + 1.2, host, &format!("{unit}: Deactivated successfully."));
    stage.systemd(at + 1.3, host, &format!("Finished {unit} - {what}."));
}

fn renew_lease(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (_, host) = person(stage);
    stage.dhcp(at, host);
}

fn roam(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let mac = stage.dice.mac();
    stage.wireless(at, &mac, true);
    let end = at + stage.dice.range(60.0..=7_200.0);
    stage.wireless(end, &mac, false);
}

fn use_nas(stage: &mut Stage) {
    const PATHS: [&str; 6] = [
        "/projects/offer-2211.docx",
        "/projects/plans/floor.dwg",
        "/accounts/2026/invoices.xlsx",
        "/photos/fair/IMG_2210.JPG",
        "/templates/letter.dotx",
        "/hr/holidays.xlsx",
    ];
    let at = stage.dice.moment(Rhythm::Office);
    let (user, host) = person(stage);
    let from = stage.company.address(host);
    let action = *stage.dice.pick(&["read", "read", "write", "create", "rename"]);
    let path = *stage.dice.pick(&PATHS);
    stage.nas_file(at, (&user, from), (action, path));
}

fn print(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (user, _) = person(stage);
    let text = match stage.dice.range(0..=3) {
        0 => "Tray 2 empty; load A4 plain".to_owned(),
        1 => "toner low: black 12%".to_owned(),
        _ => format!(
            "job {} from {user} completed, {} pages",
            stage.dice.range(100..=9000),
            stage.dice.range(1..=30)
        ),
    };
    stage.printer(at, &text);
}

fn work_from_home(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Morning);
    let (user, _) = person(stage);
    let from = *stage.dice.pick(&stage.company.homes);
    stage.vpn_login(at, &user, from);
    let end = at + stage.dice.range(3_600.0..=30_000.0);
    stage.vpn_logout(end, &user, from);
}

fn resolve_name(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Always);
    let host = *stage.dice.pick(&stage.company.linux());
    let from = stage.company.address(host);
    let site = *stage.dice.pick(&stage.company.sites);
    stage.dns_query(at, from, site);
}

fn change_service(stage: &mut Stage) {
    const SERVICES: [&str; 5] = [
        "Windows Modules Installer",
        "Background Intelligent Transfer Service",
        "Software Protection",
        "WinHTTP Web Proxy Auto-Discovery Service",
        "Device Setup Manager",
    ];
    let at = stage.dice.moment(Rhythm::Always);
    let (_, host) = person(stage);
    let service = *stage.dice.pick(&SERVICES);
    stage.service_state(at, host, (service, "running"));
    let end = at + stage.dice.range(30.0..=600.0);
    stage.service_state(end, host, (service, "stopped"));
}

fn leave_through_asa(stage: &mut Stage) {
    let at = stage.dice.moment(Rhythm::Office);
    let (_, host) = person(stage);
    let (_, to) = *stage.dice.pick(&stage.company.sites);
    let flow = Flow {
        from: stage.company.address(host),
        to,
        port: 443,
        sent: stage.dice.range(900..=60_000),
        received: stage.dice.range(4_000..=900_000),
        duration: stage.dice.range(1..=300),
    };
    stage.asa_connection(at, flow);
}
