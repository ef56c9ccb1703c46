//! Firewalls, intrusion detection, name servers, floods.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::{Denied, DnsOdd, DnsRefused, None as Nothing, Probe};
use super::Strength::{Likely, Strong, Trace, Weak};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1046"],
        severity: Severity::Low,
        strength: Trace,
        signal: Denied,
        rules: &[(
            "connection refused by the firewall",
            r"\b(?:UFW BLOCK|UFW AUDIT INVALID|iptables[\w -]*(?:drop|deny|block|reject)|IN=\S* OUT=\S* .*\bDPT=|nft[\w -]*(?:drop|deny)|drop-tcp|fw[-_]?drop|shorewall\S*(?:drop|reject)|DROP(?:PED|_INPUT|-INPUT)?\b.*\bSRC=|filterlog.*,(?:block|reject),)|%(?:ASA|FTD|PIX)-\d-(?:106001|106006|106007|106010|106014|106015|106021|106023|106100|710003|313001|313005|733100)|\baction\W{1,3}(?:deny|denied|drop|dropped|block|blocked|reject|rejected)\b|\bverdict\W{1,3}(?:drop|deny|block)|\b(?:src|source|proto)\W.*\b(?:denied|dropped|blocked) by (?:acl|policy|rule|firewall)|%SEC-6-IPACCESSLOG\w*:.* denied |\bflow_deny|RT_FLOW_SESSION_DENY|\bevent_?id\W{1,6}515[27]\b|\bfirewall,info\b.*\bdrop",
        )],
    },
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1595.001", "T1046"],
        severity: Severity::Medium,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "a device reported a scan",
            r"\bport ?scan\b|\bportsweep\b|\bhost ?(?:sweep|scan)\b|\bscan(?:ning)? (?:attempt|attack|detected|activity)|\b(?:syn|fin|null|xmas|udp|tcp|ip|network|vulnerability|nmap)[- _]?scan\b|\bET SCAN\b|\bGPL SCAN\b|\bAttempted Information Leak\b|\bDetection of a Network Scan\b|%ASA-4-733101|\bnetwork scan\b|\bscanlogd\b|\bpsad: scan",
        )],
    },
    Group {
        class: ThreatClass::Exploitation,
        techniques: &["T1190"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "intrusion detection: severe alert",
            r#"\x22event_type\x22: ?\x22alert\x22.*\x22severity\x22: ?1\b|\[Priority: 1\]|\bsubtype=\W?ips\W.*\bseverity=\W?(?:critical|high)|IDP_ATTACK_LOG_EVENT|\bids_alerted?\b.*\bpriority=1\b|%(?:ASA|FTD)-\d-(?:400\d{3}|430001)|\bAttempted (?:Administrator|User) Privilege Gain|\bWeb Application Attack\b|\bsignature_severity\W{1,10}(?:major|critical)|\b(?:ips|ids|intrusion)\b.*\b(?:severity|priority)\W{1,3}(?:critical|high)"#,
        )],
    },
    Group {
        class: ThreatClass::Exploitation,
        techniques: &["T1190"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Probe,
        rules: &[(
            "intrusion detection alert",
            r#"\x22event_type\x22: ?\x22alert\x22|\[Priority: 2\]|\bsubtype=\W?ips\b|\b(?:snort|suricata)\b.*\[\d+:\d+:\d+\]|\[\*\*\] \[\d+:\d+:\d+\]|\bids_alerted?\b|,THREAT,|\bip[sd]s?[-_ ]alert\b|\bsecurity_event\b.*\bsignature|\bhacking attempt\b|\battackalert\b|\bIntrusion (?:attempt|detected|prevent\w+)|\bIP spoof|\bLand attack|\bspoof(?:ed|ing)\b.*\b(?:detected|attempt)|%(?:ASA|FTD)-\d-(?:106016|106017|106022)"#,
        )],
    },
    Group {
        class: ThreatClass::DenialOfService,
        techniques: &["T1498", "T1499"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "a device reported a flood",
            r"\b(?:syn|icmp|udp|ping|http|tcp|dns|arp|mac|connection|sip)[- _]?flood\w*\b|\bpossible SYN flooding|\bd?dos[- _](?:attack|protection|alert|detect\w*)|\bdenial[- ]of[- ]service\b|\bslowloris\b|\bamplification attack|\bsmurf attack|\bteardrop attack|\bsession limit exceeded.*attack|\bembryonic (?:connection )?limit|%ASA-\d-(?:201010|407002|733104|733105)|\bnetscan=|\bratelimit.*\bexceeded.*\battack|\b\d[\d,.]{2,12}k? ?(?:requests?|req|reqs|hits|connections?|packets)(?: ?/ ?| per )(?:second|sec|s)\b.{0,24}\bfrom\b",
        )],
    },
    Group {
        class: ThreatClass::DenialOfService,
        techniques: &["T1499.002"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Probe,
        rules: &[(
            "request rate limit exceeded",
            r"\blimiting (?:requests|connections), excess|\brequest(?:s)? rate limit(?:ed)?\b|\brate[- ]limit(?:ing)? exceeded|\btoo many (?:requests|connections) (?:from|by)|\bmod_evasive|\bconnection rate limit exceeded",
        )],
    },
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1590.002"],
        severity: Severity::Low,
        strength: Weak,
        signal: DnsRefused,
        rules: &[(
            "name query refused",
            r"\bquery \(cache\) '.*' denied|\bbad zone transfer request|\bratelimit block \S+ type|\bnamed\b.*\bquery\b.*\bdenied\b|\bzone transfer .*(?:denied|refused)|\bquery '.*' denied|\brefused (?:query|axfr)|\bunapproved (?:query|axfr|update)|\bAXFR\b.*\b(?:denied|refused)",
        )],
    },
    Group {
        class: ThreatClass::CommandAndControl,
        techniques: &["T1071.004", "T1048.003"],
        severity: Severity::Medium,
        strength: Weak,
        signal: DnsOdd,
        rules: &[(
            "query for a long generated name",
            r"\bquery(?:\[\w+\])?:? (?:from \S+ )?[a-z0-9_-]{30,63}\.[a-z0-9._-]+|\b(?:qname|query|rrname|question)\W{1,8}[a-z0-9+/=_-]{36,63}\.",
        )],
    },
    Group {
        class: ThreatClass::CommandAndControl,
        techniques: &["T1071"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "contact with a control server reported",
            r"\b(?:command[- ]and[- ]control|c2|c&c|cnc) (?:traffic|server|beacon|channel|communication|activity|callback|domain)|\bbotnet\b|\bET (?:MALWARE|TROJAN|CNC|BOTCC)\b|\bcobalt ?strike\b|\bmeterpreter\b|\bDNS tunnel\w*\b|\bdns2tcp\b|\biodine\b|\bdnscat\w?\b|\bsinkhole\w*\b|\bbeacon(?:ing)? (?:detected|activity|traffic)|\bA Network Trojan was|%ASA-4-33800[1-8]|\bTOR (?:exit|traffic|connection|node)|\bdga domain",
        )],
    },
    Group {
        class: ThreatClass::Exfiltration,
        techniques: &["T1048", "T1567"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "data leaving reported",
            r"\bexfiltrat\w+|\bdata (?:leak(?:age)?|theft|loss) (?:detected|prevention|alert|incident|violation)|\bdlp\b.*\b(?:block|violation|alert|detected|incident)|\bcurl\b.*(?:\s-T\s|--upload-file|\s-F\s|--data-binary @|-d @)\S*.*https?://|\brclone(?:\.exe)?\b.*\b(?:copy|sync|move)\b|\bmegacmd|\bmega-put\b|\bscp\b.*(?:\.sql|\.zip|\.tar\S*|\.7z|\.db)\b.*@\d|\bnc\b.*<\s*/\S+|\b(?:transfer\w*|upload\w*|sen[dt]\w*|sending)\b.{0,24}\b\d[\d,.]{0,12} ?[KMGT]i?B\b.{0,40}\b(?:to|towards) (?:an )?(?:external|unknown|outside)\b",
        )],
    },
    Group {
        class: ThreatClass::LateralMovement,
        techniques: &["T1557", "T1021"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "address or name spoofing on the local network",
            r"\barp (?:spoof|poison)\w*|\bDuplicate IP address\b.*attack|\bLLMNR poison|\bdhcp snooping.*(?:violation|drop)|%DHCP_SNOOPING-\d|%SW_DAI-4|%IP-4-DUPADDR|\bpass[- ]the[- ](?:hash|ticket)\b|\brogue (?:dhcp|ap)\b|\bgolden ticket\b|\bkerberoast\w*",
        )],
    },
    Group {
        class: ThreatClass::PolicyViolation,
        techniques: &["T1562.004"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Nothing,
        rules: &[
            (
                "security configuration changed",
                r"\b(?:firewall|security) (?:policy|rule|group)s? (?:was |has been )?(?:deleted|removed|disabled)|\bObject attribute configured\b.*\b(?:deny|accept|disable)|\bcfgpath=\W?firewall\.policy.*action=\W?(?:delete|edit)|%(?:ASA|FTD)-5-111008.*\b(?:no access-list|clear config|no logging)|\bnetsh\b.*\badvfirewall\b.*\b(?:off|disable|delete)|\bNetNewWfp|\baudit (?:log|policy|service|daemon)s? (?:was |were )?(?:disabled|stopped|cleared)|\blogging (?:was )?(?:disabled|stopped|turned off)|\bmfa\b.*\b(?:disabled|removed|deactivated)|\bmulti-?factor\b.*\b(?:disabled|removed)|\btwo[-_ ]?factor\w*[-_ .](?:disabled|disable)",
            ),
            (
                "use against the house rules",
                r"\b(?:category|catdesc|urlcat\w*)\W{1,4}(?:\w+[\s,]+){0,3}(?:adult|pornography|gambling|proxy avoidance|hacking|peer-to-peer|file sharing|malicious websites|spyware)|\bpolicy violation\b|\bappcat=\W?(?:p2p|proxy)|\btorrent\b|\bunauthorized (?:device|software|usb|application)|\busb (?:storage|device) (?:blocked|denied|violation)",
            ),
        ],
    },
];
