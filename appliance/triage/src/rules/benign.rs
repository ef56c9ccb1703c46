//! Lines that every healthy network writes all day.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::{AuthSuccess, None as Nothing};
use super::Strength::Harmless;

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::Benign,
        techniques: &[],
        severity: Severity::Informational,
        strength: Harmless,
        signal: AuthSuccess,
        rules: &[(
            "login",
            r"\bAccepted (?:password|publickey|keyboard-interactive\S*|gssapi\S*|hostbased) for\b|\b(?:log-?in|log-?on|sign-?in|authentication|auth)\W{1,3}(?:was |is )?(?:success\w*|succeeded|ok|accepted|granted)\b|\bsuccessful(?:ly)? (?:log-?in|log-?on|logged|authenticat\w+|sign-?in|signed)|\blogged (?:in|on)\b(?:[^.\n]{0,40}success)?|\buser\.login\b.*\bsuccess\W{1,3}true|%(?:ASA|FTD)-6-(?:113004|113012|605005|611101)|%SEC_LOGIN-5-LOGIN_SUCCESS|\baction=\W?login\W.*\bstatus=\W?success|\bLogin: user=<|\bimap-login: Login|\bsasl_method=\w+, sasl_username=",
        )],
    },
    Group {
        class: ThreatClass::Benign,
        techniques: &[],
        severity: Severity::Informational,
        strength: Harmless,
        signal: Nothing,
        rules: &[
            (
                "routine of the system",
                r"\bpam_unix\(\S+:session\): session (?:opened|closed)|\bsession (?:opened|closed) for user|\bsystemd(?:\[\d+\])?: (?:Start(?:ed|ing)|Stopp(?:ed|ing)|Finished|Reached target|Created slice|Removed slice|Listening on|Mounted|Reload(?:ed|ing))|\bsystemd-logind\b.*\b(?:New session|Removed session|Session \d+ logged out)|\bCRON\[\d+\]: \(\w+\) CMD \((?:\s*(?:test -x|command -v|/usr/lib|/usr/sbin/(?:anacron|logrotate)|cd / && run-parts|\[ -x))|\bDHCP(?:ACK|REQUEST|DISCOVER|OFFER|INFORM)\b|\bntpd?\b.*\b(?:synchroni[sz]ed|time reset|adjust)|\bchronyd\b|\blogrotate\b|\banacron\b|\bKernel logging|\brsyslogd\b.*\b(?:start|HUP|exiting)|\bserver listening on\b|\bReceived signal 15|\bReceived SIGHUP|\bReceived disconnect from .{1,80}: 11: (?:disconnected by user|Bye Bye)?\s*$|\bDisconnected from user\b|\bAUTHENTICATE: success|\bOut of memory\b|\bdevice eth\d left|\blink (?:is )?(?:up|down)\b|%(?:LINK|LINEPROTO)-\d-(?:UPDOWN|CHANGED)|%SYS-5-(?:CONFIG_I|RESTART)",
            ),
            (
                "firewall allowed or closed a connection",
                r"\b(?:Built|Teardown) (?:inbound|outbound|dynamic|local-host|static|TCP|UDP|ICMP|GRE|PPP)|%(?:ASA|FTD|PIX)-6-(?:30201[3-9]|30202\d|305011|305012|302010|725\d{3})|\baction\W{1,3}(?:accept|allow|allowed|pass|permit|permitted|close|client-rst|server-rst|timeout)\b|\bUFW ALLOW\b|RT_FLOW_SESSION_(?:CREATE|CLOSE)|filterlog.*,pass,|\bCONN_TERMINATE\b|\bACCEPT IN=|,TRAFFIC,(?:start|end),.*,allow,",
            ),
            (
                "ordinary web request",
                r"\x22(?:GET|HEAD|OPTIONS) /[\w./-]{0,120}(?:\?[\w=&.-]{0,120})? HTTP/[0-9.]{1,3}\x22 (?:200|204|206|301|302|304) ",
            ),
            (
                "mail on its way",
                r"\bstatus=sent\b|\bremoved$|\bconnect from \S+\[|\bdisconnect from \S+\[.*\]|\bmessage-id=<|\bfrom=<[^>]*>, size=\d+, nrcpt|\bqueue active\b|\bCompleted$|\bstat=Sent\b",
            ),
            (
                "nothing found or all well",
                r"\b(?:scan (?:completed|finished)|no (?:threats?|viruses|malware|errors) (?:found|detected)|0 (?:infected|threats|errors)|definitions? (?:updated|up[- ]to[- ]date)|signature (?:database )?(?:updated|update (?:succeeded|completed))|backup (?:completed|finished|succeeded|successful)|health ?check (?:ok|passed|success)|renewal (?:succeeded|not (?:due|needed))|certificate (?:not yet due|renewed)|update(?:d)? success\w*|configuration saved)\b",
            ),
            (
                "permission change or denial inside a program",
                r"\bapparmor=\W?(?:ALLOWED|STATUS)|\btype=(?:USER_START|USER_END|CRED_ACQ|CRED_DISP|CRED_REFR|SERVICE_START|SERVICE_STOP|LOGIN|PROCTITLE|CWD|PATH)\b.*\bres=success",
            ),
        ],
    },
];
