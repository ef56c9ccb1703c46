//! Windows: security and system events, Sysmon, Defender, command lines. Event numbers and their
//! meaning are Microsoft's; a number only counts behind a key that names it as one.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::{AuthSuccess, FileChange, None as Nothing, RemoteLogon};
use super::Strength::{Likely, Proof, Strong, Trace};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::Ransomware,
        techniques: &["T1490"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[(
            "backups or shadow copies deleted",
            r"\bvssadmin(?:\.exe)?\W.*\b(?:delete\s+shadows|resize\s+shadowstorage)|\bwmic(?:\.exe)?\W.*\bshadowcopy\b.*\bdelete|\bwbadmin(?:\.exe)?\W.*\bdelete\b|\bbcdedit(?:\.exe)?\W.*(?:recoveryenabled\W+no|ignoreallfailures)|\bwin32_shadowcopy\b.*\b(?:delete|remove)|\bdiskshadow(?:\.exe)?\b.*\bdelete|\bdeleted? (?:all )?(?:volume )?shadow ?cop(?:y|ies)|\breagentc(?:\.exe)?\W.*/disable",
        )],
    },
    Group {
        class: ThreatClass::Ransomware,
        techniques: &["T1486"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[(
            "ransomware",
            r"\branso(?:m|me?ware)\b|\bransomware\b|\b(?:readme|how[_ -]to|recover|restore|decrypt)[\w -]*(?:decrypt|restore|recover|files?|unlock)[\w -]*\.(?:txt|html?|hta)\b|\.(?:lockbit|locked|encrypted|crypt(?:ed)?|ryuk|conti|wannacry|wncry|akira|blackcat|phobos|dharma)\b|\bRansom:|\bcipher(?:\.exe)?\W+/w:|\bfsutil(?:\.exe)?\W.*usn\W+deletejournal",
        )],
    },
    Group {
        class: ThreatClass::DefenseEvasion,
        techniques: &["T1070.001"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "event log cleared",
            r"\b(?:event_?id|eventcode|code)\W{1,12}(?:1102|517)\b|<EventID[^>]{0,40}>(?:1102|517)<|\bThe audit log was cleared|\bwevtutil(?:\.exe)?\W.*\b(?:cl|clear-log)\b|\bclear-eventlog\b|\bremove-eventlog\b|\bLog (?:file|clear)\w* was cleared|\bwmic\b.*\bcleareventlog",
        )],
    },
    Group {
        class: ThreatClass::DefenseEvasion,
        techniques: &["T1562.001"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[
            (
                "protection switched off",
                r"\bset-mppreference\b.*\bdisable|\badd-mppreference\b.*\bexclusion|\bDisable(?:RealtimeMonitoring|AntiSpyware|BehaviorMonitoring|IOAVProtection|AntiVirus)\b|\b(?:event_?id|eventcode|code)\W{1,12}(?:5001|5010|5012|4719|1151)\b.*\b(?:defender|audit|4719|disabled)|\bReal-time [Pp]rotection .{0,40}(?:disabled|off)|\bSystem audit policy was changed|\b(?:sc|net)(?:\.exe)?\W+(?:stop|delete|config)\W+\W?(?:windefend|sense|wscsvc|sophos\w*|mcafee\w*|eventlog|mbam\w*|csagent|sysmon\w*|symantec\w*|wazuh\w*|ossec\w*)|\bauditpol(?:\.exe)?\W.*(?:/clear|/remove|disable)|\bfltmc(?:\.exe)?\W+unload|\b(?:amsiInitFailed|AmsiScanBuffer)\b|\btaskkill\b.*\b(?:msmpeng|sophos|sysmon|wazuh|defender)\b|\bservice (?:auditd|rsyslog|iptables|ufw|falcon-sensor|wazuh-agent) stop|\bsystemctl\W.*\b(?:stop|disable|mask)\W.*\b(?:auditd|rsyslog|syslog|firewalld|ufw|iptables|falcon|wazuh|clamav)|\bsetenforce 0\b|\bufw disable\b|\biptables (?:-F|--flush)\b",
            ),
            (
                "hidden or disguised execution",
                r"\bregsvr32(?:\.exe)?\W[^,]*(?:/i:http|scrobj|\\temp\\|\\users\\public)|\brundll32(?:\.exe)?\W.*(?:javascript:|\\temp\\|\\appdata\\|comsvcs|url\.dll,|shell32\.dll,ShellExec_RunDLL|,#\d|\.\w{2,4},\s*\w+$)|\bmshta(?:\.exe)?\W.*(?:https?:|vbscript:|javascript:)|\b(?:installutil|regasm|regsvcs|msbuild|cmstp|odbcconf|msxsl|ieexec|mavinject|presentationhost)(?:\.exe)?\W.*(?:/u\b|/logfile|\\temp\\|\\users\\|https?:|/s\b|/a\b)|\bwmic(?:\.exe)?\W.*(?:/format:\W{0,4}(?:https?:|\\\\|\S{0,80}\.xsl)|process\W+call\W+create)|\btimestomp\b|\battrib(?:\.exe)?\W.*\+h\b.*\+s\b|\bprocess hollow|\bCreateRemoteThread\b|\bicacls\b.*\bgrant\b.*\beveryone\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::Malware,
        techniques: &["T1059.001", "T1027"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[
            (
                "hidden or encoded PowerShell",
                r"\b(?:powershell|pwsh)(?:\.exe)?\W.*(?:\s-e(?:nc|ncodedcommand|c)?\s+[a-z0-9+/=]{16}|-encodedcommand|frombase64string|downloadstring|downloadfile|downloaddata|invoke-expression|\biex\b|invoke-webrequest|\biwr\b|net\.webclient|bitstransfer|-w(?:indowstyle)?\s+(?:hidden|1)\b|invoke-mimikatz|invoke-shellcode|-nop\b.*-[ew]|reflection\.assembly|virtualalloc)|\bscriptblocktext\W.*(?:frombase64string|downloadstring|invoke-(?:mimikatz|expression|shellcode|obfuscation|bloodhound|kerberoast)|amsiutils|net\.webclient|virtualalloc|-enc\b)|\bIEX ?\(\W?New-Object",
            ),
            (
                "download with a system tool",
                r"\bcertutil(?:\.exe)?\W.*(?:urlcache|verifyctl|-decode|-f\b.*http|/urlcache)|\bbitsadmin(?:\.exe)?\W.*(?:/transfer|/addfile)|\b(?:curl|wget)(?:\.exe)?\W.*https?:\S+\.(?:exe|dll|ps1|bat|vbs|hta|scr)\b|\b(?:desktopimgdownldr|esentutl|expand|finger|hh|extrac32|findstr|print|replace|makecab|ftp)\.exe\W.*(?:https?:|\\\\\d|-s:)",
            ),
            (
                "script started by an office program",
                r"\b(?:winword|excel|powerpnt|outlook|onenote|mspub|visio|acrord32|eqnedt32)\.exe\b.*\b(?:cmd|powershell|wscript|cscript|mshta|rundll32|regsvr32|certutil|schtasks|bitsadmin)\.exe\b|\b(?:wscript|cscript)(?:\.exe)?\W.*\\(?:temp|appdata|downloads|public)\\\S*\.(?:js|jse|vbs|vbe|wsf)\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::PrivilegeEscalation,
        techniques: &["T1003.001"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[(
            "credentials stolen from memory or disk",
            r"\bmimikatz\b|\bsekurlsa\b|\blsadump\b|\bprocdump\d*(?:\.exe)?\W.*\blsass|\bcomsvcs(?:\.dll)?\W.*\bminidump|\blsass\.(?:dmp|zip)\b|\bntds\.dit\b.*(?:copy|esentutl|ntdsutil|vss)|\bntdsutil\b.*\bifm\b|\breg(?:\.exe)?\W+save\W+hk(?:lm|ey_local_machine)\\(?:sam|system|security)|\bTargetImage\W.*\blsass\.exe\b.*\bGrantedAccess\W{1,6}0x(?:1010|1410|1438|143a|1fffff|1f3fff)|\brubeus\b|\blazagne\b|\bsecretsdump\b|\bdcsync\b|\bsafetykatz\b|\bnanodump\b|\bgsecdump\b|\bpwdump\w?\b|\bfgdump\b|\bwce\.exe\b",
        )],
    },
    Group {
        class: ThreatClass::PrivilegeEscalation,
        techniques: &["T1548.002", "T1068"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "user account control bypassed or token abused",
            r"\b(?:fodhelper|computerdefaults|sdclt|eventvwr|slui|wsreset)(?:\.exe)?\b.*\b(?:cmd|powershell)\.exe|\\ms-settings\\shell\\open\\command|\bEnableLUA\b.*\b0x?0*0\b|\b(?:juicy|rotten|rogue|sweet|god|print)potato\w*|\bprintspoofer|\bgetsystem\b|\bprintnightmare\b|\bzerologon\b|\bwinpeas\b|\blinpeas\b",
        )],
    },
    Group {
        class: ThreatClass::Persistence,
        techniques: &["T1136", "T1098"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Nothing,
        rules: &[(
            "account created or put into an admin group",
            r"\bnet1?(?:\.exe)?\W+(?:user|localgroup|group)\W.*\W/add\b|\b(?:event_?id|eventcode|code)\W{1,12}(?:4720|4728|4732|4756|4738)\b|<EventID[^>]{0,40}>(?:4720|4728|4732|4756)<|\bA user account was created|\bA member was added to a security-enabled (?:local|global|universal) group|\bnew-localuser\b|\badd-localgroupmember\b|\b(?:useradd|adduser)\b\S*:? new user|\busermod\b.*\b(?:sudo|wheel|root|admin)\b|\badd '\S+' to (?:shadow )?group '(?:sudo|wheel|root|admin)'|\badded to (?:group )?\W?(?:domain admins|administrators|sudo|wheel)",
        )],
    },
    Group {
        class: ThreatClass::Persistence,
        techniques: &["T1543.003", "T1053.005", "T1547.001"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "program set to start by itself",
            r"\bschtasks(?:\.exe)?\W.*/create\b.*(?:\\temp\\|\\appdata\\|\\public\\|powershell|cmd\.exe|https?:|/ru\W+system|-enc)|\breg(?:\.exe)?\W+add\W.*\\currentversion\\run(?:once)?\b|\bset-itemproperty\b.*\\currentversion\\run|\b(?:TargetObject|Object\s?Name)\W.*\\(?:currentversion\\(?:run|runonce|winlogon\\(?:shell|userinit)|image file execution options)\b|.*\\services\\\S+\\imagepath).*(?:\\temp\\|\\appdata\\|\\public\\|powershell|\.vbs|\.js\b|\.ps1|cmd\.exe|rundll32)|\bnew-service\b.*(?:powershell|cmd|\\temp\\)|\bsc(?:\.exe)?\W+(?:\\\\\S+\W+)?create\W.*binpath|\b(?:service[_ ]?file[_ ]?name|imagepath)\W.*(?:%COMSPEC%|powershell|cmd(?:\.exe)? /c|\\temp\\|\\admin\$|\\users\\public|psexesvc)|\\start menu\\programs\\startup\\\S+\.(?:exe|bat|vbs|js|ps1|lnk)\b|\bwmi(?:\b|event).*\b(?:commandlineeventconsumer|activescripteventconsumer)",
        )],
    },
    Group {
        class: ThreatClass::Persistence,
        techniques: &["T1543.003", "T1053.005"],
        severity: Severity::Medium,
        strength: Trace,
        signal: Nothing,
        rules: &[(
            "service or task installed",
            r"\b(?:event_?id|eventcode|code)\W{1,12}(?:7045|4697|4698|4702)\b|<EventID[^>]{0,40}>(?:7045|4697|4698)<|\bA service was installed in the system|\bA scheduled task was created",
        )],
    },
    Group {
        class: ThreatClass::LateralMovement,
        techniques: &["T1021.002", "T1569.002"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "remote execution tool",
            r"\bpsexe(?:c|svc)(?:64)?(?:\.exe)?\b|\bpaexec\b|\bremcom(?:svc)?\b|\b(?:wmiexec|smbexec|atexec|dcomexec)(?:\.py)?\b|\bcrackmapexec\b|\bevil-winrm\b|\bimpacket\b|\bwmic(?:\.exe)?\W.*/node:|\binvoke-(?:command|wmimethod)\b.*-computername|\benter-pssession\b.*-computername|\bwinrs(?:\.exe)?\W+-r:|\\\\\S+\\(?:admin|c|ipc)\$\\\S+\.(?:exe|bat|ps1|dll)\b|\bnet(?:\.exe)?\W+use\W+\\\\\S+\\(?:admin|c)\$|\bxfreerdp\b.*/pth|\bsharphound\b|\bbloodhound\b|\btscon(?:\.exe)?\W+\d",
        )],
    },
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1087", "T1082"],
        severity: Severity::Low,
        strength: Likely,
        signal: Nothing,
        rules: &[(
            "survey of accounts, domain or system",
            r"\bnltest(?:\.exe)?\W.*(?:/dclist|/domain_trusts)|\bnet1?(?:\.exe)?\W+(?:group|user|accounts|view|localgroup)\W.*(?:/domain|domain admins|administrators)|\bwhoami(?:\.exe)?\W+/(?:all|priv|groups)|\bdsquery\b|\badfind\b|\bget-ad(?:user|computer|group\w*|domain\w*)\b|\bquser\b|\bcmdkey(?:\.exe)?\W+/list|\bsysteminfo(?:\.exe)?\b.*\b(?:cmd|powershell)|\binvoke-(?:userhunter|sharefinder|portscan)|\bpowerview\b|\bseatbelt\b|\bgpresult\b.*/z",
        )],
    },
    Group {
        class: ThreatClass::Malware,
        techniques: &["T1055", "T1218"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Nothing,
        rules: &[(
            "unusual process activity (Sysmon)",
            r"microsoft-windows-sysmon\b.*\bevent_?id\W{1,30}(?:8|10|15|16|19|20|21|25)\b|microsoft-windows-sysmon\b.*(?:\\users\\public\\|\\windows\\temp\\|\\appdata\\local\\temp\\|\\programdata\\\w+\.(?:exe|dll)|\\perflogs\\|\\\$recycle\.bin\\)|microsoft-windows-sysmon\b.*\bevent_?id\W{1,30}(?:1|7|13|11|17|18|22|3|12|14|6)\b.*\b(?:RuleName\W{1,8}technique_id|hacktool|\.hta|\.iso\b|\.lnk\b|pipe\\(?:msagent|postex|status_|mojo\.5688|psexesvc)|anydesk|teamviewer|screenconnect|ngrok|\.onion|pastebin|transfer\.sh|discord(?:app)?\.com/api|telegram|raw\.githubusercontent)",
        )],
    },
    Group {
        class: ThreatClass::Benign,
        techniques: &[],
        severity: Severity::Informational,
        strength: super::Strength::Harmless,
        signal: AuthSuccess,
        rules: &[(
            "logon (Windows 4624)",
            r"\b(?:event_?id|eventcode|code)\W{1,12}4624\b|<EventID[^>]{0,40}>4624<|\bAn account was successfully logged on",
        )],
    },
    Group {
        class: ThreatClass::Benign,
        techniques: &[],
        severity: Severity::Informational,
        strength: super::Strength::Harmless,
        signal: RemoteLogon,
        rules: &[(
            "network or remote desktop logon",
            r"(?:\b(?:event_?id|eventcode|code)\W{1,12}4624\b|<EventID[^>]{0,40}>4624<|successfully logged on).*\blogon[ _]?type\W{1,12}(?:3|10)\b|\b(?:event_?id|eventcode)\W{1,12}4648\b",
        )],
    },
    Group {
        class: ThreatClass::Ransomware,
        techniques: &["T1486"],
        severity: Severity::Low,
        strength: Trace,
        signal: FileChange,
        rules: &[(
            "file renamed or deleted",
            r"\b(?:file|object) (?:was )?(?:renamed|deleted|overwritten)\b|\bsmbd_audit\b.*\|(?:rename|renameat|unlink|unlinkat)\|ok|\bvfs_full_audit\b.*\b(?:rename|unlink)|\b(?:action|operation|event_?type)\W{1,4}(?:file[_ ]?)?(?:rename|delete)[ds]?\b.*\b(?:file|path|name)|\brenam(?:ed|ing) .{1,200} to |\b(?:event_?id|eventcode)\W{1,12}4663\b.*\b(?:DELETE|0x10000)\b",
        )],
    },
];
