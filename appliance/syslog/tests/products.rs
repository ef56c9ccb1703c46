//! A line of each product that small businesses own, in the shape its maker documents, each of our own
//! making: what reads it, and the fields that matter.

use time::macros::datetime;
use vedette_event::{Peer, Transport};
use vedette_syslog::{Received, decode};

/// Line, dataset, and `field=value` for each field that must come out.
type Case = (&'static str, &'static str, &'static [&'static str]);

#[track_caller]
fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (line, dataset, expected) in cases {
        let received = Received {
            received_at: datetime!(2026-08-15 12:00 UTC),
            peer: Peer::Local,
            transport: Transport::Udp,
        };
        let record = decode(line.as_bytes().to_vec(), received);
        if record.dataset.as_deref() != Some(dataset) {
            wrong.push(format!("{line}\n    dataset {:?}, not {dataset}", record.dataset));
        }
        for pair in *expected {
            let (name, value) = pair.split_once('=').expect("the table says name=value");
            if record.fields.get(name) != Some(value) {
                wrong.push(format!(
                    "{line}\n    {name} {:?}, not {value:?}",
                    record.fields.get(name)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

const ENDS: &[&str] = &[
    "source.ip=203.0.113.9",
    "source.port=50123",
    "destination.ip=10.0.0.7",
    "destination.port=443",
];

const BOB_FAILED: &[&str] = &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=failure"];

const BOB: &[&str] = &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=success"];

const FIREWALLS: &[Case] = &[
    (
        r#"<189>date=2026-08-15 time=10:21:35 devname="edge" devid="FGT60F0000000001" eventtime=1786789295000000000 tz="+0000" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=203.0.113.9 srcport=50123 srcintf="wan1" dstip=10.0.0.7 dstport=443 dstintf="lan" policyid=4 proto=6 action="deny" service="HTTPS" sentbyte=0 rcvdbyte=0"#,
        "fortinet",
        ENDS,
    ),
    (
        r#"<185>date=2026-08-15 time=10:21:35 devname="edge" devid="FGT60F0000000001" logid="0100032002" type="event" subtype="system" level="alert" logdesc="Admin login failed" user="admin" ui="https(203.0.113.9)" method="https" srcip=203.0.113.9 dstip=10.0.0.1 action="login" status="failed" reason="passwd_invalid" msg="Administrator admin login failed""#,
        "fortinet",
        &[
            "source.ip=203.0.113.9",
            "user.name=admin",
            "event.outcome=failure",
            "event.action=login",
        ],
    ),
    (
        r#"<134>id=firewall sn=0017C5000000 time="2026-08-15 10:21:35 UTC" fw=198.51.100.1 pri=1 c=32 m=36 msg="TCP packet dropped" n=7 src=203.0.113.9:50123:X1 dst=10.0.0.7:443:X0 proto=tcp/https fw_action="drop""#,
        "sonicwall",
        ENDS,
    ),
    (
        r#"<134>id=sslvpn sn=0017C5000000 time="2026-08-15 10:21:35" vp_time="2026-08-15 10:21:35 UTC" fw=198.51.100.1 pri=5 m=2 c=100 src=203.0.113.9 dst=198.51.100.1 user="bob" usr="bob" msg="User login failed" agent="x""#,
        "sonicwall",
        &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=failure"],
    ),
    (
        r#"<30>device="SFW" date=2026-08-15 time=10:21:35 timezone="UTC" device_name="XGS87" device_id=C1 log_id=010102600002 log_type="Firewall" log_component="Firewall Rule" log_subtype="Denied" status="Deny" priority=Information fw_rule_id=5 src_ip=203.0.113.9 dst_ip=10.0.0.7 protocol="TCP" src_port=50123 dst_port=443"#,
        "sophos.firewall",
        ENDS,
    ),
    (
        r#"<30>device_name="SFW" timestamp="2026-08-15T10:21:35+0000" device_model="XGS87" device_serial_id="C1" log_id="062910617703" log_type="Event" log_component="Firewall Authentication" log_subtype="Authentication" status="Failed" user_name="bob" src_ip="203.0.113.9" message="User bob failed to login to Firewall""#,
        "sophos.firewall",
        &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=failure"],
    ),
    (
        r#"<140>Aug 15 10:21:35 T80 80AA00000000A (2026-08-15T10:21:35) firewall: msg_id="3000-0148" Deny 0-External 1-Trusted 52 tcp 20 127 203.0.113.9 10.0.0.7 50123 443 offset 8 S 5 win 32 (Unhandled External Packet-00)"#,
        "watchguard",
        ENDS,
    ),
    (
        r#"<134>Aug 15 10:21:35 sg-fw filterlog[52145]: 4,,,1000000103,igb1,match,block,in,4,0x0,,51,4711,0,DF,6,tcp,60,203.0.113.9,10.0.0.7,50123,443,0,S,1,,64240,,mss"#,
        "pf.filterlog",
        ENDS,
    ),
    (
        r#"<134>1 2026-08-15T10:21:35+00:00 opnsense.example filterlog 4711 - [meta sequenceId="1"] 82,,,02f4bab031b57d1e30553ce08e0ec131,igb1,match,block,in,4,0x0,,51,4711,0,DF,6,tcp,60,203.0.113.9,10.0.0.7,50123,443,0,S,1,,64240,,mss"#,
        "pf.filterlog",
        ENDS,
    ),
    (
        r#"<4>Aug 15 10:21:35 UDM-Pro [WAN_LOCAL-default-D]IN=eth8 OUT= MAC=00:11:22:33:44:55 SRC=203.0.113.9 DST=10.0.0.7 LEN=60 TTL=51 PROTO=TCP SPT=50123 DPT=443 SYN"#,
        "netfilter",
        ENDS,
    ),
    (
        r#"<134>1 1786789295.123456789 MX68 flows src=203.0.113.9 dst=10.0.0.7 mac=00:11:22:33:44:55 protocol=tcp sport=50123 dport=443 pattern: 1 all"#,
        "meraki",
        ENDS,
    ),
    (
        r#"<134>1 1786789295.123456789 MX68 security_event ids_alerted signature=1:41944:2 priority=1 timestamp=1786789295.1 dhost=00:11:22:33:44:55 direction=ingress protocol=tcp/ip src=203.0.113.9:50123 dst=10.0.0.7:443 message: BROWSER-IE overflow attempt"#,
        "meraki",
        ENDS,
    ),
    (
        r#"<164>Aug 15 2026 10:21:35: %ASA-4-106023: Deny tcp src outside:203.0.113.9/50123 dst inside:10.0.0.7/443 by access-group "outside_in" [0x0, 0x0]"#,
        "cisco.asa",
        ENDS,
    ),
    (
        r#"<113>2026-08-15T10:21:35Z ftd1 : %FTD-1-430002: AccessControlRuleAction: Block, SrcIP: 203.0.113.9, DstIP: 10.0.0.7, SrcPort: 50123, DstPort: 443, Protocol: tcp, ACPolicy: edge"#,
        "cisco.asa",
        ENDS,
    ),
    (
        "<14>Aug 15 10:21:35 PA-440 1,2026/08/15 10:21:35,012345678901,TRAFFIC,drop,2561,2026/08/15 10:21:35,203.0.113.9,10.0.0.7,0.0.0.0,0.0.0.0,block-in,,,ssl,vsys1,untrust,trust,ethernet1/1,ethernet1/2,fwd,2026/08/15 10:21:35,1,1,50123,443,0,0,0x0,tcp,deny,60,60,0,1",
        "paloalto.traffic",
        ENDS,
    ),
    (
        "<14>1 2026-08-15T10:21:35.000Z srx300 RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.135 source-address=\"203.0.113.9\" source-port=\"50123\" destination-address=\"10.0.0.7\" destination-port=\"443\" protocol-id=\"6\" policy-name=\"deny-all\" reason=\"Denied by policy\"] session denied",
        "juniper.srx",
        ENDS,
    ),
    (
        r#"<132>Aug 15 10:21:35 usgflex CEF:0|ZyXEL|USG FLEX 100|5.30|0|Access Control|4|src=203.0.113.9 dst=10.0.0.7 spt=50123 dpt=443 proto=TCP act=BLOCK msg=priority:1, from WAN to ZyWALL"#,
        "cef",
        ENDS,
    ),
    (
        r#"<132>Aug 15 10:21:35 usg60 src="203.0.113.9:50123" dst="10.0.0.7:443" msg="priority:7, from WAN to LAN, TCP, service others, DROP" note="ACCESS BLOCK" user="unknown" devID="b8ec00000000" cat="Security Policy Control""#,
        "zyxel",
        ENDS,
    ),
    (
        r#"<30>Aug 15 10:21:35 gw firewall,info forward: in:ether1-wan out:bridge, connection-state:new src-mac 00:11:22:33:44:55, proto TCP (SYN), 203.0.113.9:50123->10.0.0.7:443, len 60"#,
        "mikrotik",
        ENDS,
    ),
];

#[test]
fn firewalls_are_read() {
    check(FIREWALLS);
}

const LOGINS: &[Case] = &[
    (
        "<30>Aug 15 10:21:35 gw system,error,critical login failure for user bob from 203.0.113.9 via winbox",
        "mikrotik",
        BOB_FAILED,
    ),
    (
        "<30>Aug 15 10:21:35 gw system,info,account user bob logged in from 203.0.113.9 via ssh",
        "mikrotik",
        BOB,
    ),
    (
        "<189>4711: gw: *Aug 15 10:21:35.123: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: bob] [Source: 203.0.113.9] [localport: 22] [Reason: Login Authentication Failed] at 10:21:35 UTC Sat Aug 15 2026",
        "cisco.ios",
        BOB_FAILED,
    ),
    (
        "<189>4712: gw: Aug 15 10:21:35.123: %SYS-5-CONFIG_I: Configured from console by bob on vty0 (203.0.113.9)",
        "cisco.ios",
        &["source.ip=203.0.113.9", "user.name=bob"],
    ),
    (
        "<166>Aug 15 2026 10:21:35: %ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : local database : user = bob : user IP = 203.0.113.9",
        "cisco.asa",
        BOB_FAILED,
    ),
    (
        "<166>Aug 15 2026 10:21:35: %ASA-6-605004: Login denied from 203.0.113.9/50123 to outside:198.51.100.1/ssh for user \"bob\"",
        "cisco.asa",
        BOB_FAILED,
    ),
    (
        "<166>Aug 15 2026 10:21:35: %ASA-6-605005: Login permitted from 203.0.113.9/50123 to inside:198.51.100.1/ssh for user \"bob\"",
        "cisco.asa",
        BOB,
    ),
    (
        "<38>Aug 15 10:21:35 pfSense.example php-fpm[381]: /index.php: webConfigurator authentication error for user 'bob' from: 203.0.113.9",
        "pfsense.gui",
        BOB_FAILED,
    ),
    (
        "<38>Aug 15 10:21:35 pfSense.example php-fpm[381]: /index.php: Successful login for user 'bob' from: 203.0.113.9 (Local Database)",
        "pfsense.gui",
        BOB,
    ),
    (
        "<35>1 2026-08-15T10:21:35+00:00 OPNsense.example audit 4711 - [meta sequenceId=\"3\"] /index.php: Web GUI authentication error for 'bob' from 203.0.113.9",
        "opnsense.audit",
        BOB_FAILED,
    ),
    (
        "<38>1 2026-08-15T10:21:35+00:00 OPNsense.example audit 4711 - [meta sequenceId=\"3\"] /index.php: Successful login for user 'bob' from: 203.0.113.9",
        "pfsense.gui",
        BOB,
    ),
    (
        "<14>Aug 15 10:21:35 PA-440 1,2026/08/15 10:21:35,012345678901,GLOBALPROTECT,0,2561,2026/08/15 10:21:35,vsys1,gateway-auth,login,LDAP,,bob,US,laptop,203.0.113.9,0.0.0.0,10.1.1.1,0.0.0.0,,5.2,Windows,\"Windows 11\",1,,,\"Authentication failed\",,failure,,0,,0,gw,1,0x0",
        "paloalto.globalprotect",
        BOB_FAILED,
    ),
    (
        "<38>Aug 15 10:21:35 srx300 sshd[4711]: Failed password for bob from 203.0.113.9 port 50123 ssh2",
        "sshd",
        BOB_FAILED,
    ),
    (
        "<38>1 2026-08-15T10:21:35.000Z srx300 mgd 4711 UI_LOGIN_EVENT [junos@2636.1.1.1.2.135 username=\"bob\" class-name=\"j-super-user\" local-peer=\"\" pid=\"4711\" ssh-connection=\"203.0.113.9 50123 10.0.0.1 22\" client-mode=\"cli\"] User 'bob' login, class 'j-super-user' [4711], ssh-connection '203.0.113.9 50123 10.0.0.1 22', client-mode 'cli'",
        "juniper.junos",
        &["user.name=bob", "event.outcome=success", "source.ip=203.0.113.9"],
    ),
    (
        "<38>Aug 15 10:21:35 UDM-Pro dropbear[4711]: Bad password attempt for 'bob' from 203.0.113.9:50123",
        "sshd",
        BOB_FAILED,
    ),
    (
        "<134>1 1786789295.123456789 MX68 events type=vpn_connectivity_change vpn_type='site-to-site' peer_contact='203.0.113.9:50123' connectivity='false'",
        "meraki",
        &["event.action=vpn_connectivity_change"],
    ),
    (
        "<132>Aug 15 10:21:35 usg60 src=\"203.0.113.9\" dst=\"198.51.100.1\" msg=\"Failed login attempt to Device from https (incorrect password or inexistent username)\" note=\"Account: bob\" user=\"bob\" devID=\"b8ec00000000\" cat=\"User\"",
        "zyxel",
        BOB_FAILED,
    ),
    (
        "<140>Aug 15 10:21:35 T80 80AA00000000A (2026-08-15T10:21:35) admd[2300]: msg_id=\"1100-0005\" Authentication of SSLVPN user [bob@Firebox-DB] from 203.0.113.9 was rejected, received an Access-Reject response from the (10.0.0.2) server",
        "watchguard",
        BOB_FAILED,
    ),
];

#[test]
fn logins_at_network_devices_are_read() {
    check(LOGINS);
}

const STORAGE_AND_WINDOWS: &[Case] = &[
    (
        "<12>Aug 15 10:21:35 nas Connection: User [bob] from [203.0.113.9] failed to sign in to [DSM] via [password] due to authorization failure.",
        "synology",
        BOB_FAILED,
    ),
    (
        "<12>Aug 15 10:21:35 nas Connection: User [bob] from [203.0.113.9] failed to log in via [SSH] due to authorization failure.",
        "synology",
        BOB_FAILED,
    ),
    (
        "<14>Aug 15 10:21:35 nas Connection: User [bob] from [203.0.113.9] logged in successfully via [DSM].",
        "synology",
        &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=success"],
    ),
    (
        "<14>Aug 15 10:21:35 nas WinFileService Event: delete, Path: /home/x.docx, File/Folder: File, Size: 12 KB, User: bob, IP: 203.0.113.9",
        "synology",
        &[
            "source.ip=203.0.113.9",
            "user.name=bob",
            "event.action=delete",
            "file.path=/home/x.docx",
        ],
    ),
    (
        "<12>Aug 15 10:21:35 qnap qulogd[4711]: conn log: Users: bob, Source IP: 203.0.113.9, Computer name: ---, Connection type: HTTPS, Accessed resources: Administration, Action: Login Fail",
        "qnap",
        &[
            "source.ip=203.0.113.9",
            "user.name=bob",
            "event.action=Login Fail",
            "event.outcome=failure",
        ],
    ),
    (
        "<30>Aug 15 10:21:35 qnap qlogd[4711]: conn log: Users: bob, Source IP: 203.0.113.9, Computer name: pc7, Connection type: SAMBA, Accessed resources: Public/x.docx, Action: Delete",
        "qnap",
        &["source.ip=203.0.113.9", "user.name=bob", "event.action=Delete"],
    ),
    (
        r#"{"@timestamp":"2026-08-15T10:21:35.000Z","agent":{"type":"winlogbeat","hostname":"DC1"},"event":{"code":"4625","provider":"Microsoft-Windows-Security-Auditing","outcome":"failure"},"winlog":{"channel":"Security","event_id":"4625","computer_name":"DC1.corp.example","event_data":{"TargetUserName":"bob","IpAddress":"203.0.113.9","IpPort":"50123","LogonType":"3"}}}"#,
        "windows",
        BOB_FAILED,
    ),
    (
        r#"<13>Aug 15 10:21:35 DC1 {"EventTime":"2026-08-15 10:21:35","Hostname":"DC1.corp.example","Keywords":-9218868437227405312,"EventType":"AUDIT_FAILURE","SeverityValue":4,"EventID":4625,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","TargetUserName":"bob","IpAddress":"203.0.113.9","IpPort":"50123","LogonType":"3"}"#,
        "windows",
        BOB_FAILED,
    ),
    (
        "<13>Aug 15 10:21:35 DC1 MSWinEventLog\t1\tSecurity\t4711\tSat Aug 15 10:21:35 2026\t4625\tMicrosoft-Windows-Security-Auditing\tN/A\tN/A\tFailure Audit\tDC1.corp.example\tLogon\t\tAn account failed to log on.    Subject:   Security ID:  S-1-0-0   Account Name:  -   Account For Which Logon Failed:   Account Name:  bob   Failure Information:   Failure Reason:  Unknown user name or bad password.   Network Information:   Workstation Name: PC7   Source Network Address: 203.0.113.9   Source Port:  50123",
        "windows",
        BOB_FAILED,
    ),
    (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4625</EventID><TimeCreated SystemTime='2026-08-15T10:21:35.000Z'/><Channel>Security</Channel><Computer>DC1.corp.example</Computer></System><EventData><Data Name='TargetUserName'>bob</Data><Data Name='IpAddress'>203.0.113.9</Data><Data Name='IpPort'>50123</Data></EventData></Event>",
        "windows",
        BOB_FAILED,
    ),
    (
        "<13>Aug 15 10:21:35 DC1 Microsoft-Windows-Security-Auditing[4711]: EventID: 4740 A user account was locked out. Account Name: bob Caller Computer Name: PC7",
        "windows",
        &["event.code=4740", "event.outcome=failure"],
    ),
];

#[test]
fn storage_and_windows_are_read() {
    check(STORAGE_AND_WINDOWS);
}

const SERVICES: &[Case] = &[
    (
        "<30>Aug 15 10:21:35 ns named[4711]: client @0x7f00aa 203.0.113.9#50123 (bad.example): query: bad.example IN A +E(0)K (10.0.0.1)",
        "named",
        &[
            "source.ip=203.0.113.9",
            "source.port=50123",
            "dns.question.name=bad.example",
            "dns.question.type=A",
        ],
    ),
    (
        "<30>Aug 15 10:21:35 gw dnsmasq[4711]: query[AAAA] bad.example from 10.0.0.9",
        "dnsmasq",
        &["source.ip=10.0.0.9", "dns.question.name=bad.example"],
    ),
    (
        "<30>Aug 15 10:21:35 gw unbound[4711]: [4711:0] info: 10.0.0.9 bad.example. A IN",
        "unbound",
        &["source.ip=10.0.0.9", "dns.question.name=bad.example"],
    ),
    (
        "<30>Aug 15 10:21:35 gw dhcpd[4711]: DHCPACK on 10.0.0.9 to 00:11:22:33:44:55 (pc7) via igb1",
        "dhcp",
        &["client.ip=10.0.0.9", "client.mac=00:11:22:33:44:55", "client.domain=pc7"],
    ),
    (
        "<29>Aug 15 10:21:35 gw openvpn[4711]: 203.0.113.9:50123 TLS Auth Error: Auth Username/Password verification failed for peer",
        "openvpn",
        &["source.ip=203.0.113.9", "source.port=50123", "event.outcome=failure"],
    ),
    (
        "<30>Aug 15 10:21:35 gw charon[4711]: 06[IKE] EAP method EAP_MSCHAPV2 failed for peer bob",
        "strongswan",
        &["user.name=bob", "event.outcome=failure"],
    ),
    (
        "<30>Aug 15 10:21:35 gw suricata[4711]: [1:2034567:1] ET SCAN Suspicious inbound to mySQL port 3306 [Classification: Potentially Bad Traffic] [Priority: 2] {TCP} 203.0.113.9:50123 -> 10.0.0.7:3306",
        "snort",
        &["source.ip=203.0.113.9", "destination.port=3306", "rule.id=2034567"],
    ),
    (
        r#"{"timestamp":"2026-08-15T10:21:35.000000+0000","flow_id":4711,"event_type":"alert","src_ip":"203.0.113.9","src_port":50123,"dest_ip":"10.0.0.7","dest_port":443,"proto":"TCP","alert":{"action":"allowed","signature_id":2034567,"signature":"ET SCAN x","severity":2}}"#,
        "suricata.eve",
        ENDS,
    ),
    (
        "<134>Aug 15 10:21:35 box CEF:0|Vendor|Product|1.0|100|Login failed|5|src=203.0.113.9 spt=50123 dst=10.0.0.7 dpt=443 suser=bob act=blocked outcome=failure",
        "cef",
        &["source.ip=203.0.113.9", "user.name=bob", "observer.vendor=Vendor", "event.code=100"],
    ),
    (
        "<134>Aug 15 10:21:35 box LEEF:2.0|Vendor|Product|1.0|LoginFailed|^|src=203.0.113.9^srcPort=50123^dst=10.0.0.7^dstPort=443^usrName=bob",
        "leef",
        &["source.ip=203.0.113.9", "user.name=bob", "observer.vendor=Vendor"],
    ),
    (
        "<134>Aug 15 10:21:35 box LEEF:1.0|Vendor|Product|1.0|LoginFailed|src=203.0.113.9\tusrName=bob",
        "leef",
        &["source.ip=203.0.113.9", "user.name=bob"],
    ),
    (
        r#"<134>Aug 15 10:21:35 box api[4711]: {"level":"warn","msg":"login failed","client_ip":"203.0.113.9","user":"bob"}"#,
        "json",
        &["source.ip=203.0.113.9", "user.name=bob"],
    ),
    (
        r#"<134>Aug 15 10:21:35 box api[4711]: level=warn msg="login failed" remote_addr=203.0.113.9 user=bob"#,
        "key_value",
        &["source.ip=203.0.113.9", "user.name=bob"],
    ),
    (
        "<86>Aug 15 10:21:35 mx postfix/smtpd[4711]: warning: unknown[203.0.113.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=bob",
        "mail",
        &["source.ip=203.0.113.9", "user.name=bob", "event.outcome=failure"],
    ),
    (
        "<86>Aug 15 10:21:35 pc sudo: bob : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/sh",
        "sudo",
        &["user.name=bob", "user.effective.name=root", "event.outcome=failure"],
    ),
];

#[test]
fn services_and_standards_are_read() {
    check(SERVICES);
}
