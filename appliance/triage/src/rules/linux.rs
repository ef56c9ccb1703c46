//! Linux, containers and cloud consoles.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::None as Nothing;
use super::Strength::{Likely, Proof, Strong, Weak};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::CommandAndControl,
        techniques: &["T1059.004", "T1071"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[(
            "reverse shell",
            r"/dev/(?:tcp|udp)/\S+/\d+|\b(?:nc|ncat|netcat|socat)\b.{0,80}(?:\s-\w*[ec]\w*\s+\S*(?:sh|cmd|bash)|exec:)|\bmkfifo\b.*\b(?:nc|telnet|openssl)\b|\bbash\s+-i\s*[>&]|\bpython\d?(?:\.\d+)?\s+-c\b.*\bsocket\b.*\b(?:subprocess|pty|dup2)|\bperl\s+-e\b.*\bsocket\b|\bphp\s+-r\b.*\bfsockopen|\bruby\s+-rsocket|\bmsfvenom\b|\bpty\.spawn\b|\bsh\s+-i\b.*\b(?:tcp|nc)\b",
        )],
    },
    Group {
        class: ThreatClass::Malware,
        techniques: &["T1105", "T1059.004"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[
            (
                "program fetched and run in one go",
                r"\b(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:ba|da|z|k)?sh\b|\b(?:curl|wget)\b.*(?:;|&&)\s*(?:chmod\s+(?:\+x|[0-7]{3,4})|sh\b|bash\b|\./)|\bbase64\s+(?:-d|--decode|-D)\b|\becho\s+[a-z0-9+/=]{40,}\s*\|\s*base64|\bchmod\s+(?:\+x|777|755)\s+/(?:tmp|dev/shm|var/tmp)/|(?:COMMAND=|exe=\W?|CMD \(|execve.*)/(?:tmp|dev/shm|var/tmp)/\S+|\bbase64_exec|/bin/(?:ba)?sh -c \S*(?:curl|wget)",
            ),
            (
                "crypto mining",
                r"\b(?:xmrig|minerd|cgminer|kinsing|kdevtmpfsi|cpuminer|xmr-stak|nanominer|t-rex)\b|\bstratum\+(?:tcp|ssl)\b|\b(?:monero|coin)(?:hash|hive|pool|ocean)\b|\b(?:minexmr|supportxmr|nanopool|2miners|f2pool|hashvault)\b|\bcrypto[- ]?(?:mining|miner|jacking)\b|\bcoinminer\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::PrivilegeEscalation,
        techniques: &["T1548", "T1068"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "rights raised through a weakness",
            r"\bpkexec\b.*(?:The value for (?:the )?(?:SHELL|XAUTHORITY|environment) variable|not found the /etc/shells)|\bsudoedit -s\b|\bpwnkit\b|\bdirty ?(?:cow|pipe)\b|\bchmod\s+(?:u\+s|[246]7[0-7]{2}|\+s)\b|\bsetuid\(0\)|\bsetcap\b.*\bcap_setuid|\b(?:suid|setuid)\w*[-_ ]crash|\bcomm=\W?(?:sudo|su|pkexec|passwd|mount|fusermount|ntfs-3g)\W.*\bsig=11|\btype=(?:ANOM_ABEND|1701).*\b(?:/usr/bin/(?:su|sudo|pkexec|passwd|mount)|auid=)|\bnsenter\b.*(?:-t|--target)[ =]1\b|\bprivileged\W{1,3}true|\bcap_sys_admin\b.*\bcontainer|\bNOPASSWD:\s*ALL|\b(?:docker|podman)\b.*\s-v\s+/:/|\bunshare\b.*\s-r\w*\b.*\bsh\b|\bLD_PRELOAD=\S+",
        )],
    },
    Group {
        class: ThreatClass::PrivilegeEscalation,
        techniques: &["T1548.003"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Nothing,
        rules: &[
            (
                "sudo used against the rules",
                r"\bsudo(?:\[\d+\])?:.*\b(?:user NOT in sudoers|command not allowed|NOT authorized|a password is required|3 incorrect password)|\bsudo(?:\[\d+\])?:.*COMMAND=\S*(?:/bash -c|visudo|/nsenter|/vi\w* /etc/(?:sudoers|shadow|passwd)|/cat /etc/shadow|/tee -a? ?/etc/(?:sudoers|passwd))|\bis not in the sudoers file|\bNot in sudoers\b",
            ),
            (
                "command run inside a container or cluster",
                r"/pods/\S+/exec\?|\x22subresource\x22:\s?\x22exec\x22|\bkubectl\s+exec\b|\bhostPID\W{1,3}true|\bhostNetwork\W{1,3}true|\bhostPath\W.*\x22/\x22",
            ),
        ],
    },
    Group {
        class: ThreatClass::Persistence,
        techniques: &["T1098.004", "T1053.003", "T1547.006"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "hidden way back in",
            r">>?\s*\S*authorized_keys\b|\bauthorized_keys\b.*\b(?:modified|added|changed|created|written)|\bcrontab\b.*\b(?:curl|wget|/tmp/|/dev/shm|base64|nc )|\bREPLACE \(\w+\).*(?:/tmp|curl|wget)|\bCMD \(.*(?:curl|wget|/tmp/|/dev/shm|base64|/dev/tcp).*\)|\binsmod\s+/(?:tmp|dev/shm|home|root|var/tmp)|\bmodule verification failed\b.*taint|\bloading out-of-tree module taints kernel|\bld\.so\.preload\b|\bdiamorphine\b|\breptile\b.*rootkit|\brootkit\b|\b/etc/(?:rc\.local|profile\.d|systemd/system)/?\S*.*\b(?:created|modified|added)\b.*\b(?:curl|wget|/tmp|nc)\b|\bnew user: name=\S+, UID=0\b",
        )],
    },
    Group {
        class: ThreatClass::DefenseEvasion,
        techniques: &["T1070.002", "T1070.003"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "traces removed",
            r"\bhistory -c\b|\bunset HISTFILE\b|HISTFILE=/dev/null|\bHISTSIZE=0\b|\brm\s+(?:-\w+\s+)*\S*(?:/var/log/|\.bash_history|/etc/cron\.allow)|\btruncate\b.*\s/var/log/|[^>&\d]>\s*/var/log/(?:auth|secure|syslog|messages|[wb]tmp|lastlog|faillog|utmp|audit|kern|cron|maillog|mail\.|apache2|httpd|nginx)\S*|\bshred\b.*\s(?:/var/log|\S*\.log)|\bln -s\w* /dev/null \S*(?:history|log)|\bStopLogging\b|\bDeleteTrail\b|\bDeleteDetector\b|\bDeleteFlowLogs\b|\bUpdateTrail\b|\bjournalctl\b.*--vacuum-(?:time=1s|size=1)",
        )],
    },
    Group {
        class: ThreatClass::Persistence,
        techniques: &["T1078.004", "T1098"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Nothing,
        rules: &[(
            "risky change in a cloud account",
            r"\x22eventName\x22:\s?\x22(?:CreateAccessKey|CreateLoginProfile|AttachUserPolicy|PutUserPolicy|CreateUser|ConsoleLogin\x22.*Failure|PutBucketAcl|PutBucketPolicy|AuthorizeSecurityGroupIngress|DeactivateMFADevice|ModifyImageAttribute|DisableKey|ScheduleKeyDeletion|LeaveOrganization|DeleteAccountPublicAccessBlock|GetPasswordData)|\buserIdentity\W.*\x22type\x22:\s?\x22Root\x22|\b(?:Add member to role|Consent to application|Add service principal credentials|New-InboxRule|Set-Mailbox.*Forwarding|Add app role assignment)\b|\bimpossible travel\b|\bleaked credentials?\b|\batypical travel\b|\banonymous ip address\b.*\bsign-?in",
        )],
    },
    Group {
        class: ThreatClass::Malware,
        techniques: &["T1203"],
        severity: Severity::Low,
        strength: Weak,
        signal: Nothing,
        rules: &[(
            "program crashed in a way exploits cause",
            r"\bsegfault at .*\berror \d.*\b(?:sshd|nginx|httpd|apache2|named|smbd|vsftpd|exim|dovecot|mysqld)\b|\bstack smashing detected|\bgrsec: .*(?:denied|bruteforce)|\bpromiscuous mode\b",
        )],
    },
];
