/// Routine lines: product and text.
pub(super) const LINES: &[(&str, &str)] = &[
    (
        "sshd",
        "Accepted publickey for {{user}} from {{lan}} port {{port}} ssh2: ED25519 SHA256:{{hex}}",
    ),
    ("sshd", "Accepted password for {{user}} from {{lan}} port {{port}} ssh2"),
    ("sshd", "pam_unix(sshd:session): session opened for user {{user}}(uid={{few}}) by (uid=0)"),
    ("sshd", "pam_unix(sshd:session): session closed for user {{user}}"),
    ("sshd", "Received disconnect from {{lan}} port {{port}}:11: disconnected by user"),
    ("sshd", "Server listening on 0.0.0.0 port 22."),
    (
        "sudo",
        "{{user}} : TTY=pts/{{few}} ; PWD=/home/{{user}} ; USER=root ; COMMAND=/usr/bin/apt-get update",
    ),
    (
        "sudo",
        "{{user}} : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl reload nginx",
    ),
    ("su", "(to {{user}}) root on none"),
    ("systemd", "Started Session {{n}} of User {{user}}."),
    ("systemd", "Starting Daily apt download activities..."),
    ("systemd", "logrotate.service: Deactivated successfully."),
    ("systemd", "Reached target Timers."),
    ("systemd-logind", "New session {{few}} of user {{user}}."),
    ("cron", "({{user}}) CMD (test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily)"),
    ("cron", "(root) CMD (/usr/local/bin/nightly-backup.sh > /dev/null)"),
    (
        "kernel",
        "[{{n}}.{{n}}] usb 1-{{few}}: new high-speed USB device number {{few}} using xhci_hcd",
    ),
    (
        "kernel",
        "[{{n}}.{{n}}] e1000e: eth0 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
    ),
    ("kernel", "[{{n}}.{{n}}] EXT4-fs (sda1): mounted filesystem with ordered data mode"),
    (
        "kernel",
        "audit: type=1400 apparmor=\"STATUS\" operation=\"profile_load\" profile=\"unconfined\" name=\"/usr/sbin/cupsd\"",
    ),
    (
        "auditd",
        "type=USER_LOGIN msg=audit({{n}}:{{few}}): pid={{pid}} uid=0 auid=1000 exe=\"/usr/sbin/sshd\" terminal=ssh res=success",
    ),
    (
        "auditd",
        "type=CRED_REFR msg=audit({{n}}:{{few}}): pid={{pid}} uid=0 acct=\"{{user}}\" exe=\"/usr/bin/sudo\" res=success",
    ),
    ("chronyd", "Selected source {{ip}} ({{dom}})"),
    ("ntpd", "synchronized to {{ip}}, stratum 2"),
    ("dhcpd", "DHCPDISCOVER from {{mac}} via eth1"),
    ("dhcpd", "DHCPACK on {{lan}} to {{mac}} ({{host}}) via eth1"),
    ("dnsmasq-dhcp", "DHCPREQUEST(br0) {{lan}} {{mac}}"),
    ("dnsmasq", "query[A] {{dom}} from {{lan}}"),
    ("dnsmasq", "reply {{dom}} is {{ip}}"),
    ("named", "client @0x{{hex}} {{lan}}#{{port}} ({{dom}}): query: {{dom}} IN AAAA + ({{lan}})"),
    ("unbound", "info: {{lan}} {{dom}}. A IN NOERROR 0.0{{few}} 0 {{few}}"),
    ("named", "zone corp.example/IN: sending notifies (serial {{n}})"),
    ("nginx", "{{ip}} - - [{{clf}}] \"GET {{page}} HTTP/1.1\" 200 {{n}} \"-\" \"{{agent}}\""),
    (
        "nginx",
        "{{ip}} - - [{{clf}}] \"GET {{page}} HTTP/2.0\" 304 0 \"https://{{dom}}/\" \"{{agent}}\"",
    ),
    (
        "nginx",
        "{{ip}} - {{user}} [{{clf}}] \"POST /api/v2/orders HTTP/1.1\" 201 {{n}} \"https://{{dom}}/cart\" \"{{agent}}\"",
    ),
    (
        "apache",
        "{{dom}}:443 {{ip}} - - [{{clf}}] \"HEAD /health HTTP/1.1\" 200 0 \"-\" \"{{agent}}\"",
    ),
    ("apache", "{{ip}} - - [{{clf}}] \"GET {{page}} HTTP/1.1\" 301 {{n}} \"-\" \"{{agent}}\""),
    (
        "apache",
        "[mpm_event:notice] [pid {{pid}}] AH00489: Apache/2.4.59 (Debian) configured -- resuming normal operations",
    ),
    (
        "nginx",
        "{{ip}} - - [{{clf}}] \"GET /favicon.ico HTTP/1.1\" 404 {{n}} \"https://{{dom}}/\" \"{{agent}}\"",
    ),
    ("iis", "{{iso}} {{lan}} GET {{page}} - 443 {{user}} {{lan}} Mozilla/5.0 - 200 0 0 {{few}}"),
    (
        "haproxy",
        "{{ip}}:{{port}} [{{clf}}] https~ app/web{{few}} 0/0/1/{{few}}/{{few}} 200 {{n}} - - ---- \"GET {{page}} HTTP/1.1\"",
    ),
    (
        "traefik",
        "{\"ClientHost\":\"{{ip}}\",\"RequestMethod\":\"GET\",\"RequestPath\":\"{{page}}\",\"DownstreamStatus\":200,\"Duration\":{{n}},\"level\":\"info\"}",
    ),
    (
        "caddy",
        "{\"level\":\"info\",\"logger\":\"http.log.access\",\"request\":{\"remote_ip\":\"{{ip}}\",\"method\":\"GET\",\"uri\":\"{{page}}\"},\"status\":200,\"size\":{{n}}}",
    ),
    (
        "squid",
        "{{n}}.{{few}} {{few}} {{lan}} TCP_MISS/200 {{n}} CONNECT {{dom}}:443 {{user}} HIER_DIRECT/{{ip}} -",
    ),
    (
        "postfix",
        "{{hex}}: to=<{{mail}}>, relay={{dom}}[{{ip}}]:25, delay=0.{{few}}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {{hex}})",
    ),
    ("postfix", "connect from {{dom}}[{{ip}}]"),
    ("postfix", "{{hex}}: removed"),
    ("postfix", "{{hex}}: from=<{{mail}}>, size={{n}}, nrcpt=1 (queue active)"),
    (
        "dovecot",
        "imap-login: Login: user=<{{user}}>, method=PLAIN, rip={{lan}}, lip={{lan}}, mpid={{pid}}, TLS, session=<{{hex}}>",
    ),
    (
        "dovecot",
        "imap({{user}})<{{pid}}><{{hex}}>: Logged out in={{n}} out={{n}} deleted=0 expunged=0",
    ),
    (
        "exim",
        "{{iso}} {{hex}} => {{mail}} R=dnslookup T=remote_smtp H={{dom}} [{{ip}}] C=\"250 OK\"",
    ),
    (
        "exchange",
        "{\"Workload\":\"Exchange\",\"Operation\":\"MailItemsAccessed\",\"UserId\":\"{{mail}}\",\"ResultStatus\":\"Succeeded\",\"ClientIP\":\"{{lan}}\"}",
    ),
    (
        "rspamd",
        "<{{hex}}>; task; rspamd_task_write_log: id: <{{hex}}@{{dom}}>, from: <{{mail}}>, (default: F (no action): [0.{{few}}/15.00] [DMARC_POLICY_ALLOW(-0.50)])",
    ),
    (
        "windows",
        "{\"EventID\":4624,\"Channel\":\"Security\",\"Computer\":\"{{host}}\",\"TargetUserName\":\"{{user}}\",\"LogonType\":3,\"IpAddress\":\"{{lan}}\",\"message\":\"An account was successfully logged on.\"}",
    ),
    (
        "windows",
        "{\"EventID\":4634,\"Channel\":\"Security\",\"Computer\":\"{{host}}\",\"TargetUserName\":\"{{user}}\",\"LogonType\":3,\"message\":\"An account was logged off.\"}",
    ),
    (
        "windows",
        "{\"EventID\":4672,\"Channel\":\"Security\",\"Computer\":\"{{host}}\",\"SubjectUserName\":\"SYSTEM\",\"message\":\"Special privileges assigned to new logon.\"}",
    ),
    (
        "windows",
        "{\"EventID\":7036,\"Channel\":\"System\",\"Provider\":\"Service Control Manager\",\"Computer\":\"{{host}}\",\"message\":\"The Windows Update service entered the running state.\"}",
    ),
    (
        "windows",
        "{\"EventID\":19,\"Channel\":\"System\",\"Computer\":\"{{host}}\",\"message\":\"Installation Successful: Windows successfully installed the following update: Security Intelligence Update\"}",
    ),
    (
        "windows",
        "MSWinEventLog 1 Security {{n}} {{time}} 4768 Microsoft-Windows-Security-Auditing {{user}} N/A Success Audit {{host}} Kerberos Authentication Service A Kerberos authentication ticket (TGT) was requested. Result Code: 0x0",
    ),
    (
        "windows",
        "<Event><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4688</EventID><Computer>{{host}}</Computer></System><EventData><Data Name='NewProcessName'>C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE</Data><Data Name='ParentProcessName'>C:\\Windows\\explorer.exe</Data></EventData></Event>",
    ),
    (
        "sysmon",
        "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Computer\":\"{{host}}\"},\"EventData\":{\"Image\":\"C:\\\\Program Files\\\\Google\\\\Chrome\\\\Application\\\\chrome.exe\",\"CommandLine\":\"chrome.exe --type=renderer\",\"ParentImage\":\"C:\\\\Windows\\\\explorer.exe\",\"User\":\"CORP\\\\{{user}}\",\"IntegrityLevel\":\"Medium\"}}}",
    ),
    (
        "sysmon",
        "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":3,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Computer\":\"{{host}}\"},\"EventData\":{\"Image\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\",\"Protocol\":\"tcp\",\"DestinationIp\":\"{{ip}}\",\"DestinationPort\":443,\"User\":\"NT AUTHORITY\\\\NETWORK SERVICE\"}}}",
    ),
    (
        "sysmon",
        "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":11,\"Computer\":\"{{host}}\"},\"EventData\":{\"Image\":\"C:\\\\Program Files\\\\7-Zip\\\\7zFM.exe\",\"TargetFilename\":\"C:\\\\Users\\\\{{user}}\\\\Documents\\\\{{file}}\"}}}",
    ),
    (
        "sysmon",
        "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":13,\"Computer\":\"{{host}}\"},\"EventData\":{\"Image\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\",\"TargetObject\":\"HKLM\\\\System\\\\CurrentControlSet\\\\Services\\\\W32Time\\\\Config\\\\LastKnownGoodTime\",\"Details\":\"QWORD\"}}}",
    ),
    (
        "defender",
        "{\"EventID\":1001,\"Provider\":\"Microsoft-Windows-Windows Defender\",\"Computer\":\"{{host}}\",\"message\":\"Microsoft Defender Antivirus scan has finished. Threats found: 0\"}",
    ),
    ("clamav", "SelfCheck: Database status OK."),
    ("clamav", "/home/{{user}}/{{file}}: OK"),
    (
        "iptables",
        "ACCEPT IN=eth1 OUT=eth0 MAC={{mac}} SRC={{lan}} DST={{ip}} LEN=60 TTL=63 PROTO=TCP SPT={{port}} DPT=443 SYN",
    ),
    (
        "ufw",
        "[UFW ALLOW] IN= OUT=eth0 SRC={{lan}} DST={{ip}} LEN=76 PROTO=UDP SPT={{port}} DPT=123",
    ),
    (
        "asa",
        "%ASA-6-302013: Built outbound TCP connection {{n}} for outside:{{ip}}/443 ({{ip}}/443) to inside:{{lan}}/{{port}} ({{lan}}/{{port}})",
    ),
    (
        "asa",
        "%ASA-6-302014: Teardown TCP connection {{n}} for outside:{{ip}}/443 to inside:{{lan}}/{{port}} duration 0:01:{{few}} bytes {{n}} TCP FINs",
    ),
    (
        "asa",
        "%ASA-6-305011: Built dynamic TCP translation from inside:{{lan}}/{{port}} to outside:{{ip}}/{{port}}",
    ),
    ("asa", "%ASA-5-111008: User '{{user}}' executed the 'show running-config' command."),
    (
        "fortigate",
        "date=2026-08-14 time=09:21:07 devname=\"{{host}}\" type=\"traffic\" subtype=\"forward\" level=\"notice\" srcip={{lan}} dstip={{ip}} dstport=443 action=\"close\" service=\"HTTPS\" sentbyte={{n}} rcvdbyte={{n}}",
    ),
    (
        "fortigate",
        "date=2026-08-14 time=09:21:07 devname=\"{{host}}\" type=\"event\" subtype=\"system\" level=\"information\" logdesc=\"Update result\" msg=\"Fortigate scheduled update success\"",
    ),
    (
        "fortigate",
        "devname=\"{{host}}\" type=\"utm\" subtype=\"webfilter\" action=\"passthrough\" hostname=\"{{dom}}\" catdesc=\"Business\" msg=\"URL belongs to an allowed category in policy\"",
    ),
    (
        "paloalto",
        "1,2026/08/14 09:21:07,{{n}},TRAFFIC,end,2560,2026/08/14 09:21:07,{{lan}},{{ip}},{{ip}},{{ip}},outbound,{{user}},,ssl,vsys1,trust,untrust,ethernet1/2,ethernet1/1,allow,{{n}},tcp-fin,from-policy",
    ),
    (
        "filterlog",
        "{{few}},,,{{n}},igb1,match,pass,out,4,0x0,,63,{{pid}},0,DF,6,tcp,60,{{lan}},{{ip}},{{port}},443,0,S,{{n}},,64240,,mss",
    ),
    ("mikrotik", "dhcp,info defconf assigned {{lan}} for {{mac}} {{host}}"),
    ("mikrotik", "system,info,account user {{user}} logged in from {{lan}} via winbox"),
    ("unifi", "ath0: STA {{mac}} IEEE 802.11: associated"),
    ("hostapd", "wlan0: STA {{mac}} WPA: pairwise key handshake completed (RSN)"),
    ("aruba", "<501044> <NOTI> Station {{mac}}: Association success on AP {{host}}"),
    ("cisco-ios", "%LINK-3-UPDOWN: Interface GigabitEthernet1/0/{{few}}, changed state to up"),
    ("cisco-ios", "%SYS-5-CONFIG_I: Configured from console by {{user}} on vty0 ({{lan}})"),
    (
        "juniper",
        "RT_FLOW_SESSION_CREATE: session created {{lan}}/{{port}}->{{ip}}/443 junos-https policy default-permit",
    ),
    (
        "suricata",
        "{\"event_type\":\"flow\",\"src_ip\":\"{{lan}}\",\"src_port\":{{port}},\"dest_ip\":\"{{ip}}\",\"dest_port\":443,\"proto\":\"TCP\",\"app_proto\":\"tls\",\"flow\":{\"state\":\"closed\",\"reason\":\"timeout\",\"alerted\":false}}",
    ),
    (
        "suricata",
        "{\"event_type\":\"dns\",\"src_ip\":\"{{lan}}\",\"dest_ip\":\"{{lan}}\",\"dns\":{\"type\":\"query\",\"rrname\":\"{{dom}}\",\"rrtype\":\"A\"}}",
    ),
    (
        "suricata",
        "{\"event_type\":\"stats\",\"stats\":{\"uptime\":{{n}},\"capture\":{\"kernel_packets\":{{n}},\"kernel_drops\":0}}}",
    ),
    (
        "zeek",
        "{\"ts\":{{n}},\"id.orig_h\":\"{{lan}}\",\"id.resp_h\":\"{{ip}}\",\"id.resp_p\":443,\"proto\":\"tcp\",\"service\":\"ssl\",\"conn_state\":\"SF\"}",
    ),
    ("openvpn", "{{user}}/{{ip}}:{{port}} Peer Connection Initiated with [AF_INET]{{ip}}:{{port}}"),
    ("openvpn", "{{user}}/{{ip}}:{{port}} TLS: soft reset sec={{n}} bytes={{n}}"),
    ("charon", "IKE_SA office[{{few}}] established between {{ip}}[{{dom}}]...{{ip}}[{{dom}}]"),
    ("wireguard", "peer({{hex}}) - Receiving keepalive packet from {{ip}}:{{port}}"),
    (
        "freeradius",
        "Auth: ({{n}}) Login OK: [{{user}}] (from client {{host}} port {{few}} cli {{mac}})",
    ),
    (
        "cupsd",
        "REQUEST localhost - - \"POST /printers/floor2 HTTP/1.1\" 200 {{few}} Print-Job successful-ok",
    ),
    ("cups", "[Job {{few}}] Job completed."),
    ("printer", "Printer: toner low, black cartridge at {{few}} percent"),
    (
        "smartd",
        "Device: /dev/sda [SAT], SMART Usage Attribute: 194 Temperature_Celsius changed from {{few}} to {{few}}",
    ),
    ("mdadm", "RebuildFinished event detected on md device /dev/md0"),
    ("apcupsd", "UPS Self Test completed: Battery OK"),
    ("backup", "Backup job nightly finished successfully: {{n}} files, {{n}} bytes, 0 errors"),
    ("veeam", "Job [Daily VMs] finished with Success. Processed {{few}} of {{few}} machines"),
    ("rsync", "sent {{n}} bytes  received {{n}} bytes  total size {{n}}"),
    ("borg", "Archive name: {{host}}-daily Duration: {{few}} minutes Number of files: {{n}}"),
    ("apt", "status installed openssl:amd64 3.0.{{few}}-1"),
    ("unattended-upgrades", "Packages that will be upgraded: curl libssl3 tzdata"),
    ("snapd", "auto-refresh of core{{few}} done"),
    (
        "docker",
        "time=\"{{iso}}\" level=info msg=\"Container started\" container={{hex}} image=registry.example/app:1.{{few}}",
    ),
    (
        "kubelet",
        "I0814 09:21:07.{{n}} {{pid}} kubelet.go:{{few}}] \"SyncLoop (PLEG): event for pod\" pod=\"default/web-{{hex}}\" event={\"Type\":\"ContainerStarted\"}",
    ),
    (
        "kubernetes",
        "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"verb\":\"get\",\"user\":{\"username\":\"system:node:{{host}}\"},\"objectRef\":{\"resource\":\"configmaps\",\"namespace\":\"kube-system\"},\"responseStatus\":{\"code\":200}}",
    ),
    (
        "kubernetes",
        "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"verb\":\"watch\",\"user\":{\"username\":\"system:kube-scheduler\"},\"objectRef\":{\"resource\":\"pods\"},\"responseStatus\":{\"code\":200}}",
    ),
    (
        "cloudtrail",
        "{\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"DescribeInstances\",\"awsRegion\":\"eu-central-1\",\"sourceIPAddress\":\"{{lan}}\",\"userIdentity\":{\"type\":\"AssumedRole\",\"userName\":\"{{user}}\"},\"readOnly\":true}",
    ),
    (
        "cloudtrail",
        "{\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"GetObject\",\"awsRegion\":\"eu-west-1\",\"userIdentity\":{\"type\":\"AWSService\"},\"requestParameters\":{\"bucketName\":\"app-logs\"}}",
    ),
    (
        "azure",
        "{\"category\":\"SignInLogs\",\"operationName\":\"Sign-in activity\",\"resultType\":\"0\",\"properties\":{\"userPrincipalName\":\"{{mail}}\",\"riskLevelDuringSignIn\":\"none\",\"conditionalAccessStatus\":\"success\"}}",
    ),
    (
        "okta",
        "{\"eventType\":\"user.session.start\",\"displayMessage\":\"User login to Okta\",\"outcome\":{\"result\":\"SUCCESS\"},\"actor\":{\"alternateId\":\"{{mail}}\"},\"client\":{\"ipAddress\":\"{{lan}}\"}}",
    ),
    (
        "google-workspace",
        "{\"id\":{\"applicationName\":\"login\"},\"events\":[{\"name\":\"login_success\",\"type\":\"login\"}],\"actor\":{\"email\":\"{{mail}}\"}}",
    ),
    (
        "google-workspace",
        "{\"id\":{\"applicationName\":\"drive\"},\"events\":[{\"name\":\"view\",\"parameters\":{\"doc_title\":\"{{file}}\",\"visibility\":\"private\"}}],\"actor\":{\"email\":\"{{mail}}\"}}",
    ),
    (
        "office365",
        "{\"Workload\":\"SharePoint\",\"Operation\":\"FileAccessed\",\"UserId\":\"{{mail}}\",\"SourceFileName\":\"{{file}}\",\"ResultStatus\":\"Succeeded\"}",
    ),
    (
        "office365",
        "{\"Workload\":\"MicrosoftTeams\",\"Operation\":\"MessageSent\",\"UserId\":\"{{mail}}\",\"RecordType\":25}",
    ),
    (
        "office365",
        "{\"Workload\":\"AzureActiveDirectory\",\"Operation\":\"UserLoggedIn\",\"UserId\":\"{{mail}}\",\"ResultStatus\":\"Success\"}",
    ),
    (
        "github",
        "{\"action\":\"git.clone\",\"actor\":\"{{user}}\",\"repo\":\"corp/site\",\"transport_protocol_name\":\"ssh\"}",
    ),
    ("github", "{\"action\":\"pull_request.merge\",\"actor\":\"{{user}}\",\"repo\":\"corp/site\"}"),
    (
        "slack",
        "{\"action\":\"user_login\",\"actor\":{\"user\":{\"email\":\"{{mail}}\"}},\"context\":{\"ip_address\":\"{{lan}}\"}}",
    ),
    (
        "zoom",
        "{\"action\":\"meeting.started\",\"operator\":\"{{mail}}\",\"category_type\":\"Meeting\"}",
    ),
    ("jenkins", "deploy-site #{{few}} completed: SUCCESS"),
    (
        "gitlab",
        "{\"method\":\"GET\",\"path\":\"/corp/site/-/pipelines\",\"status\":200,\"username\":\"{{user}}\",\"duration_s\":0.{{few}}}",
    ),
    (
        "postgres",
        "LOG:  checkpoint complete: wrote {{few}} buffers (0.{{few}}%); write={{few}}.1 s",
    ),
    ("postgres", "LOG:  connection authorized: user={{user}} database=shop SSL enabled"),
    ("mysqld", "[Note] InnoDB: Buffer pool(s) load completed"),
    (
        "mongodb",
        "{\"t\":\"{{iso}}\",\"s\":\"I\",\"c\":\"NETWORK\",\"msg\":\"Connection accepted\",\"attr\":{\"remote\":\"{{lan}}:{{port}}\",\"connectionCount\":{{few}}}}",
    ),
    ("redis", "{{pid}}:M * Background saving terminated with success"),
    (
        "elasticsearch",
        "[INFO ][o.e.c.m.MetadataMappingService] [{{host}}] [logs-{{few}}] update_mapping [_doc]",
    ),
    ("samba", "{{user}} ({{lan}}:{{port}}) connect to service share initially as user {{user}}"),
    ("smbd", "vfs_full_audit: {{user}}|{{lan}}|open|ok|r|/srv/share/{{file}}"),
    ("nfsd", "authenticated mount request from {{lan}}:{{port}} for /export/home"),
    ("vsftpd", "[{{user}}] OK LOGIN: Client \"{{lan}}\""),
    ("vsftpd", "[{{user}}] OK DOWNLOAD: Client \"{{lan}}\", \"/pub/{{file}}\", {{n}} bytes"),
    ("asterisk", "VERBOSE[{{pid}}] app_dial.c: Called SIP/{{few}}"),
    ("vmware", "Hostd: [info] Event {{n}} : User {{user}}@{{lan}} logged in as VMware-client"),
    ("proxmox", "<root@pam> starting task UPID:{{host}}:{{hex}}:vzdump::root@pam:"),
    ("synology", "User [{{user}}] from [{{lan}}] logged in successfully via [DSM]."),
    (
        "homeassistant",
        "INFO (MainThread) [homeassistant.components.automation] Evening lights: Running automation actions",
    ),
    (
        "nextcloud",
        "{\"reqId\":\"{{hex}}\",\"level\":1,\"app\":\"files\",\"method\":\"PUT\",\"user\":\"{{user}}\",\"message\":\"File written to disk\"}",
    ),
    (
        "crowdstrike",
        "{\"event_simpleName\":\"SensorHeartbeat\",\"aid\":\"{{hex}}\",\"ComputerName\":\"{{host}}\",\"event_platform\":\"Win\"}",
    ),
    (
        "sensor",
        "CEF:0|Acme|Gateway|4.1|100|Session started|2|src={{lan}} dst={{ip}} suser={{user}} act=allowed outcome=success",
    ),
    (
        "sensor",
        "CEF:0|Northwind|Mail Filter|9.0|clean|Message delivered|1|suser={{mail}} duser={{mail}} msg=Message passed all checks",
    ),
    (
        "sensor",
        "LEEF:2.0|Acme|Proxy|7.2|ALLOW|^|src={{lan}}^dst={{ip}}^usrName={{user}}^url=https://{{dom}}/^cat=business^action=permitted",
    ),
    (
        "sensor",
        "LEEF:1.0|Contoso|Directory|3|PasswordChanged|usrName={{user}} msg=User changed own password src={{lan}}",
    ),
    (
        "app",
        "level=info ts={{iso}} caller=main.go:{{few}} msg=\"request served\" method=GET path={{page}} status=200 duration=0.{{few}}",
    ),
    (
        "app",
        "INFO  [main] com.example.Server - Started Server in {{few}} seconds (JVM running for {{few}})",
    ),
    ("app", "WARN cache miss ratio {{few}} percent, resizing to {{n}} entries"),
    ("app", "ERROR could not reach {{dom}}: connection timed out, retry {{few}} of 40"),
    (
        "app",
        "{\"level\":\"warn\",\"msg\":\"disk usage above 80 percent\",\"mount\":\"/var\",\"host\":\"{{host}}\"}",
    ),
    (
        "app",
        "{\"level\":\"error\",\"msg\":\"upstream returned 502\",\"upstream\":\"{{lan}}:8080\"}",
    ),
    ("snmpd", "Connection from UDP: [{{lan}}]:{{port}}->[{{lan}}]:161"),
    ("zabbix", "resuming Zabbix agent checks on host \"{{host}}\": connection restored"),
    (
        "nagios",
        "SERVICE NOTIFICATION: ops;{{host}};Disk;OK;notify-by-email;DISK OK - free space: / {{n}} MB",
    ),
    ("certbot", "Certificate not yet due for renewal; no action taken."),
    ("tlog", "certificate for {{dom}} renewed, valid 90 days"),
    (
        "entra",
        "{\"activityDisplayName\":\"Update device\",\"result\":\"success\",\"initiatedBy\":{\"app\":{\"displayName\":\"Device Registration Service\"}}}",
    ),
    ("badge", "Door 3 opened with card {{few}} by {{user}}"),
    ("camera", "motion recording saved /video/{{hex}}.mp4"),
];
