//! Network storage, virtualisation and file servers.

use super::{LOGIN, LOGIN_DONE, LOGIN_FAILED, PLAIN, Product, form};

pub(super) const TABLE: &[Product] = &[
    Product::of("synology", "Synology").marks(&["User [", "] from ["]).only(&[
        form("failed to", r"User \[(?P<user.name>[^\]]*)\] from \[{src}\] failed to (?:log|sign) in via \[(?P<network.protocol>[^\]]*)\](?: due to (?P<event.reason>[^.]*))?", LOGIN_FAILED),
        form("ed in", r"User \[(?P<user.name>[^\]]*)\] from \[{src}\] (?:logged|signed) in(?: successfully)? via \[(?P<network.protocol>[^\]]*)\]", LOGIN_DONE),
        form("] from [", r"User \[(?P<user.name>[^\]]*)\] from \[(?:[^(\]]*\()?{src}\)?\]", PLAIN),
    ]),
    Product::of("synology", "Synology").marks(&["Event: ", ", File/Folder: ", ", IP: "]).only(&[
        form("Event: ", r"Event: (?P<event.action>[^,]+), Path: (?P<file.path>.*?), File/Folder: .*?, User: (?P<user.name>[^,]*), IP: {src}", ["file", "", ""]),
    ]),
    Product::of("synology", "Synology").apps(&["Connection", "synoscgi*", "synologrotated"]),
    Product::of("qnap", "QNAP").marks(&["Users: ", "Source IP: ", "Connection type: "]).only(&[
        form("Users: ", r"Users: (?P<user.name>[^,]*), Source IP: {src}, .*?Connection type: (?P<network.protocol>[^,]*),(?: Accessed resources: (?P<file.path>.*),)? Action: (?P<event.action>.+?)\s*$", ["authentication", "", ""]),
    ]),
    Product::of("qnap", "QNAP").apps(&["qlogd"]),
    Product::of("samba", "").apps(&["smbd", "smb", "nmbd", "winbindd", "smbd_audit"]).patterns(&[
        form("status [", r"Auth: \[[^\]]*\] user \[[^\]]*\]\\\[(?P<user.name>[^\]]*)\] .*?status \[(?P<event.reason>NT_STATUS_OK)\].*?remote host \[(?:ipv[46]:)?{src}:(?P<source.port>\d+)\]", LOGIN_DONE),
        form("status [", r"Auth: \[[^\]]*\] user \[[^\]]*\]\\\[(?P<user.name>[^\]]*)\] .*?status \[(?P<event.reason>[^\]]*)\].*?remote host \[(?:ipv[46]:)?{src}:(?P<source.port>\d+)\](?:.*?local host \[(?:ipv[46]:)?{dst}:(?P<destination.port>\d+)\])?", LOGIN_FAILED),
    ]),
    Product::of("proxmox", "Proxmox").apps(&["pvedaemon", "pveproxy", "pvestatd", "proxmox-backup*", "qmeventd", "pve-*"]).patterns(PROXMOX),
    Product::of("proxmox", "Proxmox").marks(&["authentication failure; rhost=", " user=", " msg="]).only(PROXMOX),
    Product::of("dell.isilon", "Dell").marks(&["Severity: ", "Category: ", "MessageID: "]).only(&[
        form("MessageID: ", r"Category: (?P<event.provider>[^,]+), MessageID: (?P<event.code>[^,]+), Message: (?P<event.reason>.*)$", PLAIN),
    ]),
    Product::of("qumulo", "Qumulo").apps(&["qumulo"]).only(&[
        form(",", r#"^{src},"(?P<user.name>[^"]*)",(?P<network.protocol>\w+),(?P<event.action>\w+),(?P<event.outcome>\w+),[^,]*,"(?P<file.path>[^"]*)""#, ["file", "", ""]),
    ]),
    Product::of("tintri", "Tintri").marks(&["com.tintri."]),
    Product::of("nutanix", "Nutanix").marks(&["node=ntnx"]),
    Product::of("nfs", "").apps(&["nfsd", "rpc.mountd", "mountd", "rpcbind", "exportfs"]),
    Product::of("rsync", "").apps(&["rsyncd", "rsync"]),
    Product::of("webmin", "").marks(&["miniserv.pl"]).only(&[
        form("miniserv.pl", r#"\] (?P<user.name>\S+) \S+ {src} \S+ miniserv.pl "(?P<event.action>[^"]*)" "[^"]*" "(?P<event.reason>[^"]*)""#, ["authentication", "", ""]),
    ]),
    Product::of("webmin", "").apps(&["webmin", "perl"]).marks(&["ogin"]).patterns(&[
        form("login", r"(?P<event.outcome>Invalid|Successful|Non-existent) login as (?P<user.name>\S+) from {src}", LOGIN),
    ]),
    Product::of("cpanel", "").marks(&["FAILED LOGIN "]).only(&[
        form("FAILED LOGIN", r#"{src} - (?P<user.name>\S+) "(?P<request>[^"]*)" FAILED LOGIN \w+: (?P<event.reason>.*)$"#, LOGIN_FAILED),
    ]),
    Product::of("plesk", "").apps(&["plesk*", "sw-engine*"]),
    Product::of("hestiacp", "").marks(&[" failed to login"]).only(&[
        form("failed to login", r"^(?:\S+ \S+ )?(?P<user.name>\S+) {src} failed to login$", LOGIN_FAILED),
    ]),
];

const PROXMOX: &[super::Pattern] = &[
    form(
        "authentication failure",
        r"authentication failure; rhost=\[?{src}\]?(?::(?P<source.port>\d+))? user=(?P<user.name>\S+) msg=(?P<event.reason>.*)$",
        LOGIN_FAILED,
    ),
    form("successful auth", r"successful auth for user '(?P<user.name>[^']*)'", LOGIN_DONE),
];
