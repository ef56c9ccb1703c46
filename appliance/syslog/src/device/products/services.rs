//! Services of Linux and Unix, names and addresses on the network.

use super::{LOGIN_DONE, LOGIN_FAILED, Pattern, Product, form};

const QUERY: [&str; 3] = ["network", "dns_query", ""];

pub(super) const TABLE: &[Product] = &[
    Product::of("auditd", "").marks(&["type=", "msg=audit("]).keys(&[
        ("type", "event.action"),
        ("acct", "user.name"),
        ("res", "event.outcome"),
        ("success", "event.outcome"),
        ("addr", "source.ip"),
        ("id", ""),
        ("msg", ""),
        ("hostname", "source.domain"),
        ("node", "host.name"),
    ]),
    Product::of("named", "").apps(&["named"]).patterns(NAMED),
    Product::of("named", "").marks(&["client ", "#", "query"]).only(NAMED),
    Product::of("unbound", "").apps(&["unbound"]).patterns(&[
        form("info: ", r"info: {src} (?P<dns.question.name>\S+?)\.? (?P<dns.question.type>[A-Z0-9]+) IN", QUERY),
    ]),
    Product::of("dnsmasq", "").apps(&["dnsmasq"]).patterns(&[
        form("query[", r"query\[(?P<dns.question.type>\w+)\] (?P<dns.question.name>\S+) from {src}", QUERY),
    ]),
    Product::of("nsd", "").apps(&["nsd", "pdns*", "knotd"]).patterns(&[
        form("from ", r"(?:axfr|ixfr|query|notify) for (?P<dns.question.name>\S+?)\.? from (?:client )?{src}.*?(?P<event.reason>refused)", ["network", "dns_transfer", "failure"]),
        form("from ", r"from {src}.*?(?P<event.reason>refused|denied)", ["network", "dns_query", "failure"]),
    ]),
    Product::of("dhcp.client", "").apps(&["dhclient", "dhcpcd", "udhcpc", "NetworkManager", "systemd-networkd"]),
    Product::of("cron", "").apps(&["CRON", "cron", "crond", "anacron", "atd", "crontab", "/USR/SBIN/CRON"]).patterns(&[
        form("CMD (", r"^\((?P<user.name>[^)]*)\) CMD \((?P<process.command_line>.*)\)$", ["process", "cron_command", ""]),
        form(") ", r"^\((?P<user.name>[^)]*)\) (?P<event.action>[A-Z]+(?: [A-Z]+)*) ", ["configuration", "", ""]),
    ]),
    Product::of("accounts", "").apps(&["useradd", "adduser"]).patterns(&[
        form("new user", r"new user: name=(?P<user.name>[^,]+)", ["iam", "user_added", "success"]),
        form("new group", r"new group: name=(?P<group.name>[^,]+)", ["iam", "group_added", "success"]),
        form("existing", r"failed adding user '(?P<user.name>[^']*)'", ["iam", "user_added", "failure"]),
    ]),
    Product::of("accounts", "").apps(&["userdel", "deluser"]).patterns(&[
        form("delete user", r"delete user '(?P<user.name>[^']*)'", ["iam", "user_deleted", "success"]),
    ]),
    Product::of("accounts", "").apps(&["usermod", "gpasswd", "groupadd", "groupmod", "groupdel", "chage", "chfn", "chsh", "newusers", "groupmems"]).patterns(&[
        form(" to group", r"add(?:ed)? '?(?:user )?(?P<user.name>[^'\s]+)'? (?:by \S+ )?to (?:shadow )?group '?(?P<group.name>[^'\s]+)'?", ["iam", "group_member_added", "success"]),
        form("change user", r"change user '(?P<user.name>[^']*)'", ["iam", "user_changed", "success"]),
    ]),
    Product::of("login", "").apps(&["login", "systemd-logind", "gdm-password", "gdm3", "lightdm", "sddm", "kdm", "agetty", "mingetty"]).patterns(&[
        form("FAILED LOGIN", r"FAILED LOGIN \(?\d+\)? (?:on '?\S+'? )?(?:FROM '?(?P<source.address>[^\s']+)'? )?FOR '?(?P<user.name>[^',]*)'?", LOGIN_FAILED),
        form("LOGIN ON", r"LOGIN ON \S+ BY (?P<user.name>\S+)", LOGIN_DONE),
        form("ROOT LOGIN", r"ROOT LOGIN\s+ON \S+", LOGIN_DONE),
        form("of user", r"(?P<event.action>New session) \S+ of user (?P<user.name>[^\s.]+)", ["session", "", ""]),
    ]),
    Product::of("apparmor", "").marks(&["apparmor=\""]).keys(&[("apparmor", "event.outcome"), ("operation", "event.action"), ("profile", "rule.name"), ("name", "file.path"), ("info", "event.reason")]),
    Product::of("selinux", "").apps(&["setroubleshoot", "sedispatch", "restorecond"]),
    Product::of("kernel", "").apps(&["kernel"]).patterns(&[
        form("segfault at", r"(?P<process.name>[^\s\[]+)\[(?P<process.pid>\d+)\]: segfault at", ["process", "process_crashed", "failure"]),
        form("entered promiscuous mode", r"(?P<event.action>device \S+ entered promiscuous mode)", ["network", "", ""]),
    ]),
    Product::of("systemd", "").apps(&["systemd*"]),
    Product::of("firewalld", "").apps(&["firewalld", "ufw", "nft", "iptables"]),
    Product::of("xinetd", "").apps(&["xinetd", "inetd", "tcpd"]).patterns(&[
        form("from=", r"(?P<event.action>START|FAIL|EXIT): (?P<service.name>\S+).*? from={src}", ["network", "", ""]),
        form("refused connect", r"refused connect from (?:\S+ \()?{src}", ["network", "connection", "failure"]),
    ]),
    Product::of("snmpd", "").apps(&["snmpd", "snmptrapd"]).patterns(&[
        form("Connection from", r"Connection from UDP: \[{src}\](?::(?P<source.port>\d+))?", ["network", "snmp_connection", ""]),
    ]),
    Product::of("time", "").apps(&["ntpd", "chronyd", "systemd-timesyncd", "openntpd", "ptp4l", "phc2sys"]),
    Product::of("hostapd", "").apps(&["hostapd", "wpa_supplicant"]).patterns(&[
        form(" STA ", r"STA (?P<source.mac>[0-9A-Fa-f:]{17}) (?:IEEE 802\.1[1X]|WPA|RADIUS): (?P<event.action>.*)$", ["network", "", ""]),
    ]),
    Product::of("docker", "").apps(&["dockerd", "docker", "containerd", "podman", "conmon", "runc", "cri-o", "crio", "kubelet", "k3s", "etcd"]),
    Product::of("packages", "").apps(&["yum", "dnf", "apt*", "dpkg", "rpm", "snapd", "unattended-upgrade*", "zypper", "flatpak", "packagekitd"]),
    Product::of("logging", "").apps(&["rsyslogd", "syslogd", "syslog-ng", "systemd-journald", "auditd", "audispd", "journal", "newsyslog", "logread"]),
    Product::of("macos", "Apple").apps(&["com.apple.*", "screensharingd", "securityd", "opendirectoryd", "loginwindow", "sharingd", "authd"]).patterns(&[
        form("Authentication: ", r"Authentication: (?P<event.outcome>FAILED|SUCCEEDED) :: User Name: (?P<user.name>.*?) :: Viewer Address: {src}", ["authentication", "screen_sharing", ""]),
    ]),
    Product::of("aide", "").apps(&["aide", "tripwire", "samhain", "rkhunter", "chkrootkit", "oscap", "lynis"]),
    Product::of("monitoring", "").apps(&["nagios", "zabbix*", "nrpe", "collectd", "telegraf", "prometheus*", "node_exporter", "monit", "smartd", "mdadm", "apcupsd", "upsd", "upsmon", "lm_sensors", "mcelog", "thermald", "watchdog", "irqbalance", "acpid", "multipathd", "lvm"]),
    Product::of("keepalived", "").apps(&["keepalived*", "Keepalived*", "corosync", "pacemaker*", "heartbeat", "bird", "zebra", "ospfd", "bgpd", "frr*"]),
    Product::of("cups", "").apps(&["cupsd", "avahi-daemon", "dbus-daemon", "dbus", "polkitd", "bluetoothd", "ModemManager", "udisksd", "upowerd"]),
    Product::of("pppoe", "").apps(&["pppoe*", "miniupnpd", "igmpproxy", "radvd", "odhcpd", "netifd", "mwan3*"]),
    Product::of("procmail", "").apps(&["procmail", "fetchmail", "mailq", "mimedefang*"]),
    Product::of("php", "").apps(&["php*", "php-fpm*"]),
];

const NAMED: &[Pattern] = &[
    form(
        "denied",
        r"client (?:@0x[0-9a-f]+ )?{src}#(?P<source.port>\d+)(?: \([^)]*\))?: (?:view \S+: )?(?P<event.action>(?:query|zone transfer|update)\b[^'\s]*(?: \([^)]*\))?) '?(?P<dns.question.name>[^/'\s]*)/?(?:(?P<dns.question.type>\w+)/IN)?'? (?P<event.outcome>denied)",
        ["network", "", "failure"],
    ),
    form(
        " query: ",
        r"client (?:@0x[0-9a-f]+ )?{src}#(?P<source.port>\d+)(?: \([^)]*\))?: (?:view \S+: )?query: (?P<dns.question.name>\S+) IN (?P<dns.question.type>\w+)",
        QUERY,
    ),
    form(
        "client ",
        r"client (?:@0x[0-9a-f]+ )?{src}#(?P<source.port>\d+)(?: \([^)]*\))?: (?:view \S+: )?(?P<event.reason>.*denied|bad zone transfer request.*)$",
        ["network", "dns_query", "failure"],
    ),
];
