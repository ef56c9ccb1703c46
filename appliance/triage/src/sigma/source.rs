//! Whether a record comes from the log source that a rule is written for.

use vedette_event::LogRecord;

/// A log source: what is not named is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogSource {
    pub(super) product: Option<String>,
    pub(super) category: Option<String>,
    pub(super) service: Option<String>,
}

/// Categories of Windows events and the event ids of Sysmon's log and of the others (Sysmon's manual,
/// Microsoft's audit event reference).
const WINDOWS: [(&str, &[&str], &[&str]); 26] = [
    ("process_creation", &["1"], &["4688"]),
    ("file_change", &["2"], &[]),
    ("network_connection", &["3"], &["5156"]),
    ("process_termination", &["5"], &["4689"]),
    ("driver_load", &["6"], &[]),
    ("image_load", &["7"], &[]),
    ("create_remote_thread", &["8"], &[]),
    ("raw_access_thread", &["9"], &[]),
    ("process_access", &["10"], &[]),
    ("file_event", &["11"], &[]),
    ("registry_add", &["12"], &[]),
    ("registry_delete", &["12"], &[]),
    ("registry_set", &["13"], &["4657"]),
    ("registry_rename", &["14"], &[]),
    ("registry_event", &["12", "13", "14"], &["4657"]),
    ("create_stream_hash", &["15"], &[]),
    ("pipe_created", &["17", "18"], &[]),
    ("wmi_event", &["19", "20", "21"], &[]),
    ("dns_query", &["22"], &[]),
    ("file_delete", &["23", "26"], &[]),
    ("process_tampering", &["25"], &[]),
    ("file_executable_detected", &["29"], &[]),
    ("ps_script", &[], &["4104"]),
    ("ps_module", &[], &["4103"]),
    ("ps_classic_start", &[], &["400"]),
    ("ps_classic_provider_start", &[], &["600"]),
];

/// Services of Windows whose log has another name.
const LOGS: [(&str, &str); 6] = [
    ("windefend", "windowsdefender"),
    ("powershellclassic", "windowspowershell"),
    ("firewallas", "windowsfirewallwithadvancedsecurity"),
    ("bitlocker", "bitlockerapi"),
    ("lsaserver", "lsaoperational"),
    ("appxdeploymentserver", "appxdeploymentserver"),
];

impl LogSource {
    /// Whether a record comes from it.
    pub(super) fn holds(&self, record: &LogRecord) -> bool {
        let windows = record.dataset.as_deref() == Some("windows")
            || record.fields.get("winlog.channel").is_some()
            || record.fields.get("host.os.type") == Some("windows");
        let product = match self.product.as_deref() {
            Some("windows") => windows,
            // Anything that runs there may be asked about; its fields tell it apart.
            Some("linux" | "macos") => !windows,
            Some(product) => !windows && is_named(record, product, self.service.as_deref()),
            None => true,
        };
        product && self.in_category(record, windows) && self.in_service(record, windows)
    }

    fn in_category(&self, record: &LogRecord, windows: bool) -> bool {
        let Some(category) = self.category.as_deref() else { return true };
        let field = |name: &str| record.fields.get(name);
        let is = |category: &str| field("event.category") == Some(category);
        if windows && let Some((_, sysmon, others)) = WINDOWS.iter().find(|row| row.0 == category) {
            let codes = if is_sysmon(record) { sysmon } else { others };
            return field("event.code").is_some_and(|code| codes.contains(&code));
        }
        match category {
            "process_creation" => {
                field("process.command_line").is_some() || field("process.executable").is_some()
            }
            "network_connection" => is("network") || field("destination.ip").is_some(),
            "firewall" => {
                is("network") || field("source.ip").is_some() && field("destination.ip").is_some()
            }
            "dns" | "dns_query" => field("dns.question.name").is_some(),
            "file_event" | "file_delete" | "file_change" | "file_access" | "file_rename" => {
                is("file") || field("file.path").is_some()
            }
            "webserver" | "proxy" => {
                is("web")
                    || field("url.original").is_some()
                    || field("url.path").is_some()
                    || field("http.request.method").is_some()
            }
            "authentication" => is("authentication"),
            "antivirus" | "edr" => is("malware") || field("rule.name").is_some() || windows,
            // A category that no decoder tells: the fields of the rule have to.
            "application" | "database" | "process" => true,
            other => WINDOWS.iter().all(|row| row.0 != other),
        }
    }

    fn in_service(&self, record: &LogRecord, windows: bool) -> bool {
        let Some(service) = self.service.as_deref() else { return true };
        let service = plain(service);
        if windows {
            let log =
                LOGS.iter().find(|(name, _)| *name == service).map_or(service.as_str(), |it| it.1);
            let within = |name: &str| {
                record.fields.get(name).is_some_and(|value| plain(value).contains(log))
            };
            return within("winlog.channel")
                || (record.fields.get("winlog.channel").is_none() && within("event.provider"));
        }
        match service.as_str() {
            "syslog" => true,
            "auth" => {
                let login = record.fields.get("event.category") == Some("authentication");
                let said = [record.app.as_deref(), record.dataset.as_deref()];
                let named = |name: &&str| ["sshd", "sudo", "pam", "su", "login"].contains(name);
                login || said.iter().flatten().any(named)
            }
            "auditd" => record.message.contains("type=") && record.message.contains("audit("),
            // The product is enough where the service is a part of a vendor's cloud.
            _ if self.product.as_deref().is_some_and(|it| it != "linux" && it != "macos") => true,
            service => is_named(record, service, None),
        }
    }
}

fn is_sysmon(record: &LogRecord) -> bool {
    let named = |name: &str| record.fields.get(name).is_some_and(|value| value.contains("Sysmon"));
    named("event.provider") || named("winlog.channel")
}

/// Whether the record names a product or service as where it comes from.
fn is_named(record: &LogRecord, product: &str, service: Option<&str>) -> bool {
    const NAMES: [&str; 7] = [
        "observer.vendor",
        "observer.product",
        "event.module",
        "event.dataset",
        "event.provider",
        "cloud.provider",
        "service.name",
    ];
    let wanted = [Some(plain(product)), service.map(plain)];
    let fields = NAMES.iter().filter_map(|name| record.fields.get(name));
    let said = [record.app.as_deref(), record.dataset.as_deref()].into_iter().flatten();
    let names: Vec<String> = fields.chain(said).map(plain).collect();
    // A cloud's own records say where they come from in a value, such as `signin.amazonaws.com`.
    wanted.iter().flatten().any(|wanted| names.iter().any(|name| name.contains(wanted.as_str())))
        || clouds(product).iter().any(|mark| record.message.contains(mark))
}

/// What stands in every record of a cloud.
fn clouds(product: &str) -> &'static [&'static str] {
    match product {
        "aws" => &[".amazonaws.com\"", "\"awsRegion\""],
        "azure" => &["\"operationName\"", "\"tenantId\"", "\"TenantId\""],
        "gcp" => &["cloudaudit.googleapis.com", "\"protoPayload\""],
        "m365" => &["\"Workload\"", "\"OrganizationId\""],
        "okta" => &["\"legacyEventType\"", "\"displayMessage\""],
        "github" => &["\"_document_id\"", "\"actor_location\""],
        "google_workspace" | "google" => &["admin.googleapis.com", "\"applicationName\""],
        "kubernetes" => &["audit.k8s.io"],
        _ => &[],
    }
}

/// A name for comparing: letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
