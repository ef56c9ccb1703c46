//! Windows events: Security, System, Sysmon and Defender, as NXLog writes them in JSON or as Snare does.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::company::{Forwarder, HostId};
use crate::stage::{Stage, bsd_time, clock, iso_date, pri};

/// An event before it is forwarded.
pub(crate) struct WinEvent<'a> {
    pub(crate) id: u16,
    pub(crate) channel: &'static str,
    pub(crate) provider: &'static str,
    /// `AUDIT_SUCCESS`, `AUDIT_FAILURE`, `INFO`, `WARNING` or `ERROR`.
    pub(crate) kind: &'static str,
    /// First line of the message.
    pub(crate) headline: &'a str,
    /// Name and value of each field.
    pub(crate) fields: Vec<(&'static str, String)>,
}

const SECURITY: (&str, &str) = ("Security", "Microsoft-Windows-Security-Auditing");
const SYSMON: (&str, &str) = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon");
const DEFENDER: (&str, &str) =
    ("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender");
const SYSTEM: (&str, &str) = ("System", "Service Control Manager");

/// Keeps a line under 2 KB whatever a command is.
const MOST_FIELD_CHARS: usize = 600;

fn json_text(text: &str) -> String {
    let text: String = text.chars().take(MOST_FIELD_CHARS).collect();
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

impl Stage {
    pub(crate) fn windows(&mut self, at: f64, host: HostId, event: &WinEvent<'_>) {
        let line = match self.company.host(host).forwarder {
            Forwarder::Nxlog => self.nxlog(at, host, event),
            Forwarder::Snare => self.snare(at, host, event),
        };
        self.raw(at, host, line);
    }

    fn nxlog(&mut self, at: f64, host: HostId, event: &WinEvent<'_>) -> String {
        let time = self.time(at);
        let name = self.company.name(host);
        let domain = self.company.domain.clone();
        let stamp = format!("{} {}", iso_date(time), clock(time));
        let (severity, value) = match event.kind {
            "AUDIT_FAILURE" | "ERROR" => ("ERROR", 4),
            "WARNING" => ("WARNING", 3),
            _ => ("INFO", 2),
        };
        let mut line = format!(
            "<{}>{} {name} {}[{}]: {{\"EventTime\":\"{stamp}\",\"Hostname\":\"{name}.{domain}\",\"EventType\":\"{}\",\"SeverityValue\":{value},\"Severity\":\"{severity}\",\"EventID\":{},\"SourceName\":\"{}\",\"Channel\":\"{}\",\"RecordNumber\":{},\"ProcessID\":{},\"ThreadID\":{}",
            pri(1, if value == 2 { 6 } else { 7 - value }),
            bsd_time(time),
            event.provider.replace(' ', "-"),
            self.dice.range(500..=900),
            event.kind,
            event.id,
            event.provider,
            event.channel,
            self.dice.range(100_000..=9_000_000),
            self.dice.range(500..=900),
            self.dice.range(900..=9000),
        );
        for (field, value) in &event.fields {
            let _ = write!(line, ",\"{field}\":\"{}\"", json_text(value));
        }
        let _ = write!(
            line,
            ",\"Message\":\"{}\",\"EventReceivedTime\":\"{stamp}\",\"SourceModuleName\":\"eventlog\",\"SourceModuleType\":\"im_msvistalog\"}}",
            json_text(event.headline)
        );
        line
    }

    fn snare(&mut self, at: f64, host: HostId, event: &WinEvent<'_>) -> String {
        let time = self.time(at);
        let name = self.company.name(host);
        let stamp = bsd_time(time);
        let weekday = &time.weekday().to_string()[..3];
        let kind = match event.kind {
            "AUDIT_SUCCESS" => "Success Audit",
            "AUDIT_FAILURE" => "Failure Audit",
            "WARNING" => "Warning",
            "ERROR" => "Error",
            _ => "Information",
        };
        let mut message = event.headline.to_owned();
        for (field, value) in &event.fields {
            let value: String = value.chars().take(MOST_FIELD_CHARS).collect();
            let _ = write!(message, "  {field}: {value}");
        }
        let user = event.fields.iter().find(|(field, _)| field.ends_with("UserName"));
        format!(
            "<{}>{stamp} {name} MSWinEventLog\t1\t{}\t{}\t{weekday} {stamp} {}\t{}\t{}\t{}\tN/A\t{kind}\t{name}\tNone\t\t{message}\t{}",
            pri(1, 6),
            event.channel,
            self.dice.range(1000..=99_999),
            time.year(),
            event.id,
            event.provider,
            user.map_or("SYSTEM", |(_, name)| name.as_str()),
            self.dice.range(100_000..=9_000_000),
        )
    }

    /// Event 4624 or 4625: a logon from `from` with the logon type.
    pub(crate) fn win_logon(
        &mut self,
        at: f64,
        host: HostId,
        (user, from): (&str, Ipv4Addr),
        (kind, succeeds): (u8, bool),
    ) {
        let (id, headline, audit) = if succeeds {
            (4624, "An account was successfully logged on.", "AUDIT_SUCCESS")
        } else {
            (4625, "An account failed to log on.", "AUDIT_FAILURE")
        };
        let mut fields = vec![
            ("TargetUserName", user.to_owned()),
            ("TargetDomainName", self.company.realm.clone()),
            (
                "TargetUserSid",
                format!("{}-{}", self.company.sid, 1100 + u32::from(user.as_bytes()[0])),
            ),
            ("LogonType", kind.to_string()),
            ("LogonProcessName", if kind == 3 { "NtLmSsp" } else { "User32" }.to_owned()),
            ("AuthenticationPackageName", if kind == 3 { "NTLM" } else { "Negotiate" }.to_owned()),
            ("IpAddress", from.to_string()),
            ("IpPort", self.dice.port().to_string()),
        ];
        if !succeeds {
            fields.push(("Status", "0xc000006d".to_owned()));
            fields.push(("SubStatus", "0xc000006a".to_owned()));
        }
        self.security(at, host, (id, audit, headline), fields);
    }

    /// An event of the Security log.
    pub(crate) fn security(
        &mut self,
        at: f64,
        host: HostId,
        (id, kind, headline): (u16, &'static str, &str),
        fields: Vec<(&'static str, String)>,
    ) {
        let (channel, provider) = SECURITY;
        self.windows(at, host, &WinEvent { id, channel, provider, kind, headline, fields });
    }

    /// Sysmon event 1, a process starts.
    pub(crate) fn process(
        &mut self,
        at: f64,
        host: HostId,
        user: &str,
        (image, command, parent): (&str, &str, &str),
    ) {
        let time = self.time(at);
        let fields = vec![
            ("UtcTime", format!("{} {}.{:03}", iso_date(time), clock(time), time.millisecond())),
            ("ProcessId", self.dice.range(1000..=16_000).to_string()),
            ("Image", image.to_owned()),
            ("CommandLine", command.to_owned()),
            ("User", format!("{}\\{user}", self.company.realm)),
            ("IntegrityLevel", "Medium".to_owned()),
            ("Hashes", format!("SHA256={}", self.dice.hex(64).to_uppercase())),
            ("ParentImage", parent.to_owned()),
        ];
        self.sysmon(at, host, (1, "Process Create:"), fields);
    }

    /// Sysmon event 3, a connection.
    pub(crate) fn connection(
        &mut self,
        at: f64,
        host: HostId,
        (image, to, port): (&str, Ipv4Addr, u16),
    ) {
        let fields = vec![
            ("Image", image.to_owned()),
            ("Protocol", "tcp".to_owned()),
            ("Initiated", "true".to_owned()),
            ("SourceIp", self.company.address(host).to_string()),
            ("SourcePort", self.dice.port().to_string()),
            ("DestinationIp", to.to_string()),
            ("DestinationPort", port.to_string()),
        ];
        self.sysmon(at, host, (3, "Network connection detected:"), fields);
    }

    pub(crate) fn sysmon(
        &mut self,
        at: f64,
        host: HostId,
        (id, headline): (u16, &str),
        fields: Vec<(&'static str, String)>,
    ) {
        let (channel, provider) = SYSMON;
        self.windows(at, host, &WinEvent { id, channel, provider, kind: "INFO", headline, fields });
    }

    pub(crate) fn defender(
        &mut self,
        at: f64,
        host: HostId,
        (id, kind, headline): (u16, &'static str, &str),
        fields: Vec<(&'static str, String)>,
    ) {
        let (channel, provider) = DEFENDER;
        self.windows(at, host, &WinEvent { id, channel, provider, kind, headline, fields });
    }

    /// Event 7036, a service has changed its state.
    pub(crate) fn service_state(&mut self, at: f64, host: HostId, (service, state): (&str, &str)) {
        let (channel, provider) = SYSTEM;
        let headline = format!("The {service} service entered the {state} state.");
        let fields = vec![("param1", service.to_owned()), ("param2", state.to_owned())];
        self.windows(
            at,
            host,
            &WinEvent { id: 7036, channel, provider, kind: "INFO", headline: &headline, fields },
        );
    }

    /// Event 7045, a service is new.
    pub(crate) fn service_installed(
        &mut self,
        at: f64,
        host: HostId,
        (service, path): (&str, &str),
    ) {
        let (channel, provider) = SYSTEM;
        let fields = vec![
            ("ServiceName", service.to_owned()),
            ("ImagePath", path.to_owned()),
            ("ServiceType", "user mode service".to_owned()),
            ("StartType", "demand start".to_owned()),
            ("AccountName", "LocalSystem".to_owned()),
        ];
        let headline = "A service was installed in the system.";
        self.windows(
            at,
            host,
            &WinEvent { id: 7045, channel, provider, kind: "INFO", headline, fields },
        );
    }
}
