//! Firewalls, routers, switches and what watches the network.

use super::{CONNECTION, Columns, LOGIN_DONE, LOGIN_FAILED, Pattern, Product, form};

const NETWORK: [&str; 3] = ["network", "", ""];
const CONFIGURED: [&str; 3] = ["configuration", "configuration_changed", "success"];

pub(super) const TABLE: &[Product] = &[
    Product::of("sonicwall", "SonicWall").marks(&["sn=", " fw=", " pri="]).keys(&[
        ("m", "event.code"),
        ("fw", "host.ip"),
        ("fw_action", "event.action"),
        ("usr", "user.name"),
        ("sent", "source.bytes"),
        ("rcvd", "destination.bytes"),
        ("dstname", "destination.domain"),
        ("srcMac", "source.mac"),
        ("id", ""),
        ("n", ""),
        ("c", ""),
    ]),
    Product::of("sophos.firewall", "Sophos")
        .marks(&["log_component=", "log_subtype=", "device_"])
        .keys(SOPHOS),
    Product::of("sophos.utm", "Sophos").marks(&["severity=\"", "sys=\"", "sub=\""]).keys(&[
        ("id", "event.code"),
        ("name", "event.action"),
        ("action", "event.outcome"),
        ("fwrule", "rule.id"),
    ]),
    Product::of("sophos.web", "Sophos").marks(&[" sav-ev=", " meth="]).keys(&[
        ("h", "source.ip"),
        ("u", "user.name"),
        ("s", "http.response.status_code"),
        ("meth", "http.request.method"),
        ("req", "url.original"),
        ("dom", "url.domain"),
        ("ua", "user_agent.original"),
        ("ref", "http.request.referrer"),
        ("t", ""),
        ("act", ""),
    ]),
    Product::of("watchguard", "WatchGuard")
        .marks(&["msg_id=\""])
        .keys(&[
            ("msg_id", "event.code"),
            ("src_user", "user.name"),
            ("dstname", "url.domain"),
            ("rcvd_bytes", "destination.bytes"),
            ("sent_bytes", "source.bytes"),
        ])
        .patterns(WATCHGUARD),
    Product::of("fortinet", "Fortinet").marks(&["devid=", "logid=", "type="]).keys(FORTINET),
    Product::of("fortinet", "Fortinet").marks(&["device_id=", "log_id=", "type="]).keys(FORTINET),
    Product::of("fortinet", "Fortinet").marks(&["logid=\"", " vd=\"", "subtype=\""]).keys(FORTINET),
    Product::of("paloalto.traffic", "Palo Alto Networks")
        .marks(&[",TRAFFIC,"])
        .columns(palo_alto("TRAFFIC", PALO_ALTO_SESSION)),
    Product::of("paloalto.threat", "Palo Alto Networks")
        .marks(&[",THREAT,"])
        .columns(palo_alto("THREAT", PALO_ALTO_THREAT)),
    Product::of("paloalto.globalprotect", "Palo Alto Networks")
        .marks(&[",GLOBALPROTECT,"])
        .columns(palo_alto("GLOBALPROTECT", PALO_ALTO_VPN)),
    Product::of("paloalto.system", "Palo Alto Networks")
        .marks(&[",SYSTEM,"])
        .columns(palo_alto("SYSTEM", &[(8, "event.action"), (14, "event.reason")])),
    Product::of("paloalto.config", "Palo Alto Networks").marks(&[",CONFIG,"]).columns(palo_alto(
        "CONFIG",
        &[(7, "source.ip"), (9, "event.action"), (10, "user.name"), (12, "event.outcome")],
    )),
    Product::of("checkpoint", "Check Point").apps(&["CheckPoint"]).keys(&[
        ("origin", "host.ip"),
        ("s_port", "source.port"),
        ("service", "destination.port"),
        ("service_id", "network.protocol"),
        ("client_ip", "source.ip"),
        ("administrator", "user.name"),
        ("loguid", ""),
        ("uid", ""),
        ("version", ""),
    ]),
    Product::of("juniper.srx", "Juniper")
        .apps(&["RT_*", "RT_FLOW", "PFE_FW*"])
        .keys(JUNIPER)
        .patterns(JUNIPER_LINES),
    Product::of("juniper.junos", "Juniper")
        .apps(&["mgd", "rpd", "chassisd", "eventd", "jlaunchd", "dcd", "l2ald", "alarmd", "mib2d"])
        .keys(JUNIPER)
        .patterns(&[
            form("' login", r"User '(?P<user.name>[^']*)' login", LOGIN_DONE),
            form("', command '", r"User '(?P<user.name>[^']*)', command '(?P<process.command_line>[^']*)'", CONFIGURED),
            form("User '", r"User '(?P<user.name>[^']*)' (?:requested|performed)", CONFIGURED),
        ]),
    Product::of("juniper.netscreen", "Juniper").marks(&["NetScreen device_id="]),
    Product::of("juniper.netscreen", "Juniper").marks(&["NetScreen "]),
    Product::of("meraki", "Cisco Meraki").marks(&[" flows "]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&["security_event "]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&[" urls "]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&["ip_flow_"]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&[" events type="]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&["airmarshal_events "]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").marks(&["firewall ", " pattern: "]).only(MERAKI),
    Product::of("meraki", "Cisco Meraki").apps(&["urls", "flows", "events"]).marks(&[" src="]),
    Product::of("mikrotik", "MikroTik").marks(&["login failure for user ", " via "]).only(MIKROTIK),
    Product::of("mikrotik", "MikroTik").marks(&[" logged in from ", " via "]).only(MIKROTIK),
    Product::of("mikrotik", "MikroTik").marks(&[" in:", " out:", " proto "]).only(MIKROTIK),
    Product::of("zyxel", "Zyxel").marks(&["devID=", "cat=", "note="]).keys(&[
        ("note", "event.action"),
        ("msg", "event.reason"),
        ("devID", ""),
    ]),
    Product::of("unifi", "Ubiquiti").marks(&[",v"]).only(&[form(
        ",v",
        r"^(?:[\w.-]{1,64},)?[0-9a-f]{12},v?[\d.+]+: (?P<process.name>[\w./-]{1,64})(?:\[(?P<process.pid>\d+)\])?:",
        ["", "", ""],
    )]),
    Product::of("unifi", "Ubiquiti").marks(&["-default-", "]IN="]),
    Product::of("cisco.ios", "Cisco").marks(&["%"]).only(CISCO_IOS),
    Product::of("cisco.acs", "Cisco").apps(&["CSCOacs_*", "CISE_*"]).keys(&[
        ("UserName", "user.name"),
        ("Remote-Address", "source.ip"),
        ("Calling-Station-ID", "source.ip"),
        ("Device IP Address", "host.ip"),
        ("FailureReason", "event.reason"),
    ]),
    Product::of("cisco.tvcs", "Cisco").apps(&["tvcs"]),
    Product::of("cisco.dna", "Cisco").apps(&["DNAC"]),
    Product::of("pfsense.gui", "Netgate").marks(&["webConfigurator authentication error"]).only(&[
        form("error for", r"authentication error for (?:user )?'(?P<user.name>[^']*)' from:? {src}", LOGIN_FAILED),
    ]),
    Product::of("pfsense.gui", "Netgate").marks(&["Successful login for user '"]).only(&[
        form("Successful", r"Successful login for user '(?P<user.name>[^']*)' from:? {src}", LOGIN_DONE),
    ]),
    Product::of("opnsense.audit", "OPNsense").marks(&["authentication error for '"]).only(&[
        form("error for", r"authentication error for '(?P<user.name>[^']*)' from:? {src}", LOGIN_FAILED),
    ]),
    Product::of("pfsense", "Netgate").apps(&["php-fpm", "configd.py", "check_reload_status", "rc.gateway_alarm", "dpinger"]),
    Product::of("vmware.nsx", "VMware").apps(&["dfwpktlogs"]).only(&[form(
        "match",
        r"match (?P<event.outcome>PASS|DROP|REJECT)\S* (?P<rule.id>\S+) (?P<network.direction>IN|OUT) (?P<network.bytes>\d+) (?P<network.transport>\w+) {src}/(?P<source.port>\d+)->{dst}/(?P<destination.port>\d+)",
        CONNECTION,
    )]),
    Product::of("vmware.esxi", "VMware").apps(&["vpxa", "hostd", "Hostd", "Vpxa", "vmkernel", "vobd", "Rhttpproxy", "Fdm", "vpxd", "vmauthd", "vsanmgmtd"]),
    Product::of("citrix.netscaler", "Citrix").marks(&["PPE-0 : "]).keys(&[("Source", "source.ip"), ("Destination", "destination.ip")]),
    Product::of("citrix.netscaler", "Citrix").marks(&[" default ", "-PPE-"]),
    Product::of("citrix.netscaler", "Citrix").marks(&["AAA Message : "]),
    Product::of("f5.bigip", "F5").apps(&["apmd", "tmm*", "mcpd", "httpd_bigip", "tmsh", "bigd", "ASM"]).keys(&[
        ("Client_Hostname", "source.domain"),
        ("Client_IP", "source.ip"),
        ("Username", "user.name"),
        ("session_id", ""),
    ]),
    Product::of("barracuda.waf", "Barracuda").marks(&["actionTaken=", "attackDescription="]).keys(&[
        ("actionTaken", "event.action"),
        ("attackDescription", "rule.name"),
        ("attackId", "rule.id"),
        ("app", ""),
    ]),
    Product::of("zscaler", "Zscaler").marks(&["product=NSS"]).keys(ZSCALER),
    Product::of("zscaler", "Zscaler").apps(&["ZscalerNSS"]),
    Product::of("zscaler", "Zscaler").marks(&["vendor=Zscaler"]).keys(ZSCALER),
    Product::of("forcepoint.web", "Forcepoint").marks(&["vendor=Websense"]).keys(&[
        ("src_host", "source.ip"),
        ("dst_host", "destination.domain"),
        ("http_response", "http.response.status_code"),
    ]),
    Product::of("suricata.fast", "").marks(&["[**] [", "} "]).only(IDS_FAST),
    Product::of("snort", "").marks(&[" [Classification: ", "} "]).only(IDS_FAST),
    Product::of("arpwatch", "").apps(&["arpwatch"]),
    Product::of("vectra", "Vectra").apps(&["vectra_*"]).keys(&[("headend_addr", "host.ip")]),
    Product::of("trellix.fireeye", "FireEye").apps(&["fenotify*"]),
    Product::of("pulse.secure", "Pulse Secure").apps(&["PulseSecure"]).only(&[form(
        " | ",
        r"^\S+ \| [^|]* \| (?P<event.code>\w+) \| \w+ \| (?P<host.ip>[\d.:a-f]+) \| [^|]*\| {src} \| (?P<user.name>[^|]*?) \| .*\| (?P<event.reason>[^|]*)$",
        ["authentication", "vpn_session", ""],
    )]),
    Product::of("cylance", "Cylance").apps(&["CylancePROTECT"]).only(&[form(
        "Event Type: ",
        r"Event Type: (?P<event.provider>[^,]+), Event Name: (?P<event.action>[^,]+)(?:, Device Name: (?P<host.name>[^,\s]+))?",
        ["", "", ""],
    )]),
    Product::of("secureauth", "SecureAuth").apps(&["SecureAuth*"]),
    Product::of("apc", "APC").marks(&["attempting to access the SNMP interface from"]).only(&[form(
        "SNMP",
        r"unauthorized user attempting to access the SNMP interface from {src}",
        LOGIN_FAILED,
    )]),
];

const FORTINET: crate::device::Keys = &[
    ("logid", "event.code"),
    ("log_id", "event.code"),
    ("remip", "source.ip"),
    ("ui", ""),
    ("tunnelid", ""),
    ("hostname", "url.domain"),
    ("policyid", "rule.id"),
    ("attack", "rule.name"),
    ("attackid", "rule.id"),
    ("virus", "rule.name"),
    ("sentbyte", "source.bytes"),
    ("rcvdbyte", "destination.bytes"),
    ("client_ip", "source.ip"),
    ("devid", ""),
    ("sessionid", ""),
];

const SOPHOS: crate::device::Keys = &[
    ("log_id", "event.code"),
    ("log_subtype", "event.action"),
    ("fw_rule_id", "rule.id"),
    ("signature_msg", "rule.name"),
    ("sent_bytes", "source.bytes"),
    ("recv_bytes", "destination.bytes"),
    ("device", ""),
    ("device_id", ""),
    ("device_name", "host.name"),
];

const ZSCALER: crate::device::Keys = &[
    ("ClientIP", "source.ip"),
    ("serverip", "destination.ip"),
    ("user", "user.name"),
    ("requestmethod", "http.request.method"),
    ("status", "http.response.status_code"),
    ("threatname", "rule.name"),
    ("refererURL", "http.request.referrer"),
    ("protocol", "network.protocol"),
    ("event_id", ""),
];

const JUNIPER: crate::device::Keys = &[
    ("source-address", "source.ip"),
    ("source-port", "source.port"),
    ("destination-address", "destination.ip"),
    ("destination-port", "destination.port"),
    ("protocol-id", "network.transport"),
    ("protocol-name", "network.transport"),
    ("service-name", "network.protocol"),
    ("policy-name", "rule.name"),
    ("attack-name", "rule.name"),
    ("bytes-from-client", "source.bytes"),
    ("bytes-from-server", "destination.bytes"),
    ("username", "user.name"),
    ("http-host", "url.domain"),
    ("application", ""),
    ("hostname", "destination.domain"),
];

const JUNIPER_LINES: &[Pattern] = &[
    form(
        "session denied",
        r"session denied {src}/(?P<source.port>\d+)->{dst}/(?P<destination.port>\d+)",
        ["network", "session_denied", "failure"],
    ),
    form(
        "session created",
        r"session created {src}/(?P<source.port>\d+)->{dst}/(?P<destination.port>\d+)",
        ["network", "session_created", "success"],
    ),
    form(
        "session closed",
        r"session closed (?P<event.reason>[^:]*): {src}/(?P<source.port>\d+)->{dst}/(?P<destination.port>\d+)",
        ["network", "session_closed", ""],
    ),
    form(
        "Attack log",
        r"Attack log <{src}/(?P<source.port>\d+)->{dst}/(?P<destination.port>\d+)> for (?P<network.transport>\w+) protocol.*?action=(?P<event.action>\w+),.*?name=(?P<rule.name>[^,]+)",
        ["intrusion_detection", "", ""],
    ),
    form(
        "->",
        r#"(?:ACTION="(?P<event.action>[^"]*)" )?{src}\((?P<source.port>\d+)\)->{dst}\((?P<destination.port>\d+)\)"#,
        NETWORK,
    ),
];

const WATCHGUARD: &[Pattern] = &[
    form(
        "Authentication of ",
        r"Authentication of \S+ user \[(?P<user.name>[^\]@]*)[^\]]*\] from {src} was (?P<event.outcome>rejected|accepted)",
        super::LOGIN,
    ),
    form(
        " from ",
        r"user (?P<user.name>\S+?)(?:@\S+)? from {src} log ?in attempt was rejected",
        LOGIN_FAILED,
    ),
    form(" from ", r"user (?P<user.name>\S+?)(?:@\S+)? from {src} logged in", LOGIN_DONE),
    form(
        " ",
        r"\b(?P<event.action>Allow|Deny|ProxyAllow|ProxyDeny|ProxyDrop|ProxyStrip): ?.*?(?P<network.transport>tcp|udp|icmp)\S*(?: \d+ \d+)? {src} {dst} (?P<source.port>\d+) (?P<destination.port>\d+)",
        NETWORK,
    ),
    form(
        " ",
        r"\b(?P<event.action>Allow|Deny) .*?(?P<network.transport>tcp|udp|icmp)\S* \d+ \d+ {src} {dst}(?: (?P<source.port>\d+) (?P<destination.port>\d+))?",
        NETWORK,
    ),
];

const MERAKI: &[Pattern] = &[
    form(
        "security_event",
        r"(?:^|\s)security_event (?P<event.action>\w+) .*?(?: message: (?P<rule.name>.*))?$",
        ["intrusion_detection", "", ""],
    ),
    form(
        "urls",
        r"(?:^|\s)urls src={src}:(?P<source.port>\d+) dst={dst}:(?P<destination.port>\d+).*? request: (?P<http.request.method>[A-Z]+|UNKNOWN) (?P<url.original>\S+)",
        ["web", "http_request", ""],
    ),
    form(
        "src=",
        r"(?:^|\s)(?:flows|firewall|vpn_firewall|cellular_firewall|ip_flow_(?:start|end)) (?:(?P<event.action>allow|deny) )?src={src} dst={dst}.*?(?:protocol=(?P<network.transport>\w+))?(?: .*?pattern: (?P<event.outcome>allow|deny|\d).*)?$",
        NETWORK,
    ),
    form("type=", r"(?:^|\s)(?:events|airmarshal_events) type=(?P<event.action>\w+)", NETWORK),
];

const MIKROTIK: &[Pattern] = &[
    form(
        "login failure",
        r"login failure for user (?P<user.name>.*?)(?: from {src})? via (?P<network.protocol>[\w -]+)\s*$",
        LOGIN_FAILED,
    ),
    form(
        "logged in",
        r"(?:^|[ ,:])user (?P<user.name>\S+) logged in from {src} via (?P<network.protocol>[\w -]+)\s*$",
        LOGIN_DONE,
    ),
    form(
        "->",
        r"(?P<event.action>[\w.-]+) (?:input|forward|output|prerouting|srcnat|dstnat): in:(?P<observer.ingress.interface.name>\S+).*? out:(?P<observer.egress.interface.name>\S+).*? proto (?P<network.transport>\w+).*?, {src}(?::(?P<source.port>\d+))?->{dst}(?::(?P<destination.port>\d+))?(?:,|$)",
        NETWORK,
    ),
];

/// `%FACILITY-SEVERITY-MNEMONIC: text`, as IOS, NX-OS and UCS write it.
const CISCO_IOS: &[Pattern] = &[
    form(
        "LOGIN_FAILED",
        r"%(?P<event.code>SEC_LOGIN-\d-LOGIN_FAILED): .*?\[user: (?P<user.name>[^\]]*)\] \[Source: {src}\](?: \[localport: (?P<destination.port>\d+)\])?(?: \[Reason: (?P<event.reason>[^\]]*)\])?",
        LOGIN_FAILED,
    ),
    form(
        "LOGIN_SUCCESS",
        r"%(?P<event.code>SEC_LOGIN-\d-LOGIN_SUCCESS): .*?\[user: (?P<user.name>[^\]]*)\] \[Source: {src}\](?: \[localport: (?P<destination.port>\d+)\])?",
        LOGIN_DONE,
    ),
    form(
        "CONFIG_I",
        r"%(?P<event.code>[\w-]+-\d-\w*CONFIG_I): Configured from \S+ by (?P<user.name>\S+)(?: on \S+)?(?: \({src}\))?",
        CONFIGURED,
    ),
    form(
        "IPACCESSLOG",
        r"%(?P<event.code>[\w-]+-\d-IPACCESSLOG\w+): list (?P<rule.name>\S+) (?P<event.action>denied|permitted) (?P<network.transport>\w+) {src}(?:\((?P<source.port>\d+)\))?.*? -> {dst}(?:\((?P<destination.port>\d+)\))?",
        NETWORK,
    ),
    form(
        "%",
        r"(?:^|\s)%(?P<event.code>[A-Z][A-Z0-9_]+(?:-[A-Z0-9_]+)?-[0-7]-[A-Z0-9_]+): ",
        ["", "", ""],
    ),
];

/// `[**] [1:2034567:1] NAME [**] [Classification: x] [Priority: 2] {TCP} a:1 -> b:2`.
const IDS_FAST: &[Pattern] = &[form(
    "} ",
    r"\[\d+:(?P<rule.id>\d+):\d+\] (?P<rule.name>.*?)(?: \[\*\*\])? \[Classification: [^\]]*\] \[Priority: (?P<event.severity>\d+)\]:? \{(?P<network.transport>[\w-]+)\} {src}(?::(?P<source.port>\d+))? -> {dst}(?::(?P<destination.port>\d+))?",
    ["intrusion_detection", "alert", ""],
)];

const fn palo_alto(kind: &'static str, fields: &'static [(usize, &'static str)]) -> Columns {
    Columns { delimiter: b',', told_by: (3, kind), fields, category: "network" }
}

const PALO_ALTO_SESSION: &[(usize, &str)] = &[
    (7, "source.ip"),
    (8, "destination.ip"),
    (11, "rule.name"),
    (12, "user.name"),
    (14, "network.protocol"),
    (18, "observer.ingress.interface.name"),
    (19, "observer.egress.interface.name"),
    (24, "source.port"),
    (25, "destination.port"),
    (29, "network.transport"),
    (30, "event.action"),
    (31, "network.bytes"),
    (32, "source.bytes"),
    (33, "destination.bytes"),
];

const PALO_ALTO_THREAT: &[(usize, &str)] = &[
    (7, "source.ip"),
    (8, "destination.ip"),
    (12, "user.name"),
    (14, "network.protocol"),
    (18, "observer.ingress.interface.name"),
    (19, "observer.egress.interface.name"),
    (24, "source.port"),
    (25, "destination.port"),
    (29, "network.transport"),
    (30, "event.action"),
    (31, "url.original"),
    (32, "rule.name"),
    (34, "event.severity"),
];

const PALO_ALTO_VPN: &[(usize, &str)] = &[
    (8, "event.action"),
    (12, "user.name"),
    (14, "source.domain"),
    (15, "source.ip"),
    (25, "event.reason"),
    (28, "event.outcome"),
];
