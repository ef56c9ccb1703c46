//! Attacks inside HTTP requests, and the tools that look for them. Payloads may be percent-encoded
//! once; patterns name both forms where scanners use both.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::{None as Nothing, PaymentRefused, Probe};
use super::Strength::{Likely, Proof, Strong, Weak};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::WebAttack,
        techniques: &["T1190"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[
            (
                "SQL injection in a request",
                r"(?:\b(?:GET|POST|PUT|HEAD|PATCH) |\b(?:uri|url|request|path|args|payload)\b|[?&]\w{1,32}=|HTTP/\d).*union(?:\s|%20|\+|/\*.{0,40}\*/|%0a){1,4}(?:all(?:\s|%20|\+)+)?select\b|select\b.*from\b.*(?:information_schema|sysobjects|mysql\.user|pg_catalog)|(?:\b(?:GET|POST|PUT|HEAD|PATCH) |\b(?:uri|url|request|path|args|payload)\b|[?&]\w{1,32}=|HTTP/\d).*(?:'|%27|\x22|%22|\))(?:\s|%20|\+)*(?:or|and)(?:\s|%20|\+)+(?:'|%27|\x22|%22)?\w{1,12}(?:'|%27|\x22|%22)?(?:\s|%20|\+)*(?:=|%3d|like)|(?:\b|%20)(?:or|and)(?:\s|%20|\+)+(\d{1,6})(?:\s|%20|\+)*(?:=|%3d)(?:\s|%20|\+)*\d{1,6}\b|(?:\b|%[0-9a-f]{2})(?:sleep|benchmark|pg_sleep|waitfor(?:\s|%20|\+)delay|extractvalue|updatexml|xp_cmdshell|load_file|dbms_\w+|utl_http)(?:\s|%20|\+)*(?:\(|%28|'|%27)|;(?:\s|%20|\+)*(?:drop|delete|insert|update|alter|truncate)(?:\s|%20|\+)+(?:table|from|into|\w+(?:\s|%20|\+)set)|\border(?:%20|\+)by(?:%20|\+)\d+(?:--|%23)|[?&]\w{1,32}=[^\s&\x22]{0,64}(?:'|%27)(?:%20|\+)*(?:--|#|%23|;--|/\*)|(?:\b|%20)(?:or|and)(?:\s|%20|\+)+\d{1,6}(?:\s|%20|\+)*(?:=|%3d|<|>|%3c|%3e)(?:\s|%20|\+)*(?:\(|%28)?(?:convert|cast|char|if|case|select|ascii|substring|version|@@)|[?&]\S{0,200}(?:@@|%40%40)(?:version|hostname|datadir)\b|\bsql ?injection\b|\bsqli\b",
            ),
            (
                "cross-site scripting in a request",
                r"(?:GET|POST|HEAD|PUT|url|uri|request|path|query)\b.*(?:<|%3c|\\u003c|\\x3c|&lt;)(?:/|%2f)?(?:script|img|svg|iframe|body|object|embed|video|audio|math|details|marquee)(?:\b|%)|(?:\?|&|=)\S*(?:javascript|vbscript)(?::|%3a)|(?:\b|%[0-9a-f]{2})on(?:error|load|mouseover|focus|click|toggle)(?:%20|\s|\+)?(?:=|%3d)|document(?:\.|%2e)(?:cookie|location|domain)|(?:\b|%[0-9a-f]{2})alert(?:\(|%28)|\bcross[- ]site[- ]scripting\b|\bxss\b",
            ),
            (
                "path traversal in a request",
                r"(?:(?:GET|POST|HEAD|PUT|CONNECT|OPTIONS|uri|url|request|path|client)\b|\?).*(?:\.\.|%2e%2e|\.%2e|%2e\.|%252e%252e|\.%%32%65|%c0%ae%c0%ae)(?:/|\\|%2f|%5c|%252f|%255c|%c0%af|%%32%66)(?:.*(?:\.\.|%2e%2e|\.%2e|%2e\.|%252e%252e|%%32%65).{0,3}(?:/|\\|%2f|%5c|%252f)|.{0,80}(?:etc|windows|win\.ini|passwd|boot\.ini|web-inf|\.env|config|bin))|\bdirectory[- ]traversal\b|\bpath[- ]traversal\b|AH10244: invalid URI path",
            ),
            (
                "local or remote file inclusion in a request",
                r"[=/]\S*(?:/|%2f)etc(?:/|%2f)(?:passwd|shadow|hosts|group)\b|(?:php|data|expect|zip|phar|file|gopher|dict)(?:://|%3a%2f%2f)(?:filter|input|text|etc|id|/|\w+=)|/proc/self/(?:environ|cmdline|fd)|\?\S*=(?:https?|ftp)(?:://|%3a%2f%2f)\S+\.(?:txt|php|sh|jpg\?|pl)\b|\b(?:local|remote) file inclusion\b|allow_url_include|auto_prepend_file|[?&]\w{1,32}=(?:file(?::|%3a)(?:/|%2f){2})?(?:/|%2f)(?:etc|proc|root|boot|var(?:/|%2f)log|usr(?:/|%2f)local(?:/|%2f)etc)(?:/|%2f)\S+|[?&]\w{1,32}=[c-e](?::|%3a)(?:\\|/|%5c|%2f){1,2}(?:windows|winnt|boot\.ini|inetpub|users)\b|[?&]\w{1,32}=\S{0,24}(?:\b(?:win|boot)\.ini|\bsystem32(?:/|\\|%5c|%2f))",
            ),
            (
                "command injection in a request",
                r"(?:GET|POST|PUT|HEAD|uri|url|request|query|path)\b.*(?:;|%3b|\||%7c|`|%60|\$\(|%24%28|\$\{IFS\}|&&|%26%26|%0a)(?:%20|\+|\s)*(?:cat|wget|curl|id|uname|whoami|nc|ncat|bash|sh|python\d?|perl|ping|nslookup|chmod|rm|ls|echo|busybox|tftp|cd|powershell|cmd)(?:%20|\+|\s|%3b|;|\$\{?IFS|%24|$|&|/)|(?:cmd|exec|command|execute|shell)=(?:%20)?(?:cat|wget|curl|id|uname|whoami|ls|bash|sh|powershell|nslookup|system)\b|(?:cmd|exec|command|execute)=ping(?:%20|\+|\s+-|\s+\d)|\b(?:command|code|os command) injection\b",
            ),
            (
                "server-side template or code injection in a request",
                r"\b(?:GET|POST|PUT)\b.*(?:\{\{|%7b%7b|\$\{|%24%7b|<%|%3c%25|#\{)\S*(?:\*|%2a|\.class|getruntime|freemarker|__import__|self\.|request\.|config|t\(java|@java|\.exec)|@ognl|\bognl\b|getRuntime|class\.module\.classloader|\ballow_url_include|java\.lang\.(?:Runtime|ProcessBuilder)|(?:\b|%[0-9a-f]{2})eval(?:\(|%28)(?:base64|\$_|%24_)|(?:\b|%[0-9a-f]{2})(?:phpinfo|system|passthru|shell_exec|assert)(?:\(|%28)|call_user_func_array|\bxmlns:xxe|<!ENTITY|%3c!entity",
            ),
            (
                "a web application firewall reported an attack",
                r"\b(?:ModSecurity|Coraza|NAXSI(?:_FMT)?|mod_security)\b.*(?:attack|injection|xss|inbound anomaly score|denied|exceeded|restricted)|NAXSI_FMT|Inbound Anomaly Score Exceeded|\battack-(?:sqli|xss|lfi|rfi|rce|injection|generic|protocol|multipart|session)\w*|\bwaf\b.{0,80}\b(?:block|attack|deny|denied|violation|detect)|\bweb ?attack\b|\bOWASP_CRS/WEB_ATTACK",
            ),
        ],
    },
    Group {
        class: ThreatClass::WebAttack,
        techniques: &["T1190", "T1059.004"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[(
            "reverse shell in a request",
            r"\b(?:GET|POST|PUT|HEAD) /\S*[?&=].{0,200}(?:(?:\b|%[0-9a-f]{2})(?:nc|ncat|netcat)(?:%20|\+|\s).{0,80}(?:%20|\+|\s)-\w{0,4}[ec]|/dev/tcp/|%2fdev%2ftcp%2f|(?:\b|%[0-9a-f]{2})bash(?:%20|\+|\s)-i\b)",
        )],
    },
    Group {
        class: ThreatClass::Exploitation,
        techniques: &["T1190", "T1059"],
        severity: Severity::Critical,
        strength: Proof,
        signal: Nothing,
        rules: &[
            (
                "Log4Shell probe",
                r"(?:\$|%24)(?:\{|%7b)(?:jndi|.{0,60}(?:lower|upper|env|sys|::-)).{0,80}(?:ldap|rmi|dns|iiop|corba|nis|:-j|jndi|\}n\$)|\$\{jndi:|%24%7bjndi|\blog4(?:j|shell)\b.{0,60}(?:rce|exploit|attack|remote|code|exec|attempt)",
            ),
            (
                "Shellshock probe",
                r"\(\)\s*(?:\{|%7b)\s*(?::;|:|_;|\w+;)?\s*\}?\s*[;>]|%28%29%20?(?:%7b|\{)",
            ),
            (
                "web shell",
                r"(?:uploads?|images?|tmp|wp-content|files?|media)\S*/\S*(?:shell|cmd|c99|r57|wso|b374k|webshell|eval)\S*\.(?:php\d?|jspx?|aspx?|phtml)\b|\buploaded\b.{0,60}\.(?:php\d?|phtml|jspx?|aspx|war)\b|\b(?:w3wp|httpd|apache2?|nginx|tomcat\d?|php-fpm|java)(?:\.exe)?\b.*\b(?:cmd\.exe|powershell(?:\.exe)?|/bin/(?:ba)?sh|whoami)\b|\b(?:c99|r57|b374k|wso|alfa(?:cgiapi|shell)|indoxploit|weevely)\w{0,12}\.php|\bweb ?shell\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::Exploitation,
        techniques: &["T1190", "T1595.002"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[
            (
                "request for a known vulnerable function",
                r"/(?:vendor/phpunit|telerik\.web\.ui\.webresource|remote_agent\.php\?|setup/setupadministrator|json/setup-restore|tmui/login\.jsp/\.\.;|tmui/locallb|cgi-bin/(?:luci/;|\.%|%%|\.\.|test-cgi|nph-|status|php-cgi|kerbynet|mainfunction|jarrewrite|supervisor|webproc|export_debug)|boaform/admin|goform/|hnap1|_ignition/execute|solr/admin/\S*(?:config|velocity)|struts2?-|actuator/(?:gateway|env|heapdump|jolokia|refresh)|jolokia/|geoserver/\S*(?:wfs|exec)|autodiscover/autodiscover\.json\S*(?:powershell|@)|ecp/(?:\S*/)?(?:proxylogon|y\.js|ddi/)|owa/auth/x\.js|mgmt/tm/util/bash|mgmt/shared/authn|dana-na/\S*(?:\.\.|dana/html5)|dana-ws/|api/v1/totp/user-backup-code|catalog-portal/ui/oauth/verify|ui/vropspluginui|analytics/telemetry/ph|cgi-bin/\S*(?:wget|curl)|manager/(?:html|text)/(?:upload|deploy)|setup\.cgi\?|gponform/|ws/v1/cluster/apps|jenkins/descriptorbyname|invoker/|wls-wsat|_async/asyncresponse|console/css/%25|nifi-api|api/jsonws/invoke|druid/indexer|portal/redlion|pages/(?:createpage-entervariables|doenterpagevariables)\.action|php-php-?cgi|php/ztp_gate|php/utils/debug|unauth/php|global-protect/\S*hipreport|sslvpn_websession|remote/fgt_lang|remote/logincheck\S*enc=|api/v2/cmdb/system/admin|mifs/\S*asfv3|mifs/aad|rest/api/\S*ognl|template/aui/text-inline|login\.action\?\S*(?:redirect|ognl)|wp-content/plugins/\S+\.php\?\S+=|wp-admin/admin-ajax\.php\?action=\S*(?:revslider|duplicator|upload|download)|cdn-cgi/\S*\.\.|public/plugins/\w{1,40}/\S*\.\.|lua/\.%|aspera/faspex/package_relay|clients/mycrl|xmlpserver|webtools/control|MyAccount/forgotpassword|shell\?cd|device\.rsp\?|SDK/webLanguage|level/\d+/exec|php/utils/createremoteappwebsession|vpns?/(?:\.\.|portal/scripts)|\+cscot\+/|\+cscoe\+/\S*(?:session_password|\.\.|files/)|securityrealm/user/\S*descriptorbyname|_layouts/\S*/toolpane\.aspx|guestaccess\.aspx|rest/tinymce/1/macro/preview|wp-file-manager/lib/php|wp-json/\S*(?:render_element|users/1\b)|developmentserver/metadatauploader|app/rest/users/id:1/tokens|setupwizard\.aspx/|cfide/(?:adminapi|componentutils)|webui/logoutconfirm|p/u/doauthentication|index\.php\?s=\S*invokefunction|ajax/render/widget_|user/register\?element_parents|wizard/initialaccountsetup|webinterface/function/\?command|ui/h5-vsan|xwiki/bin/\S*solrsearch|jmx-console|web-console/|uddiexplorer|api/v1/validate/code|ssl-vpn/hipreport\.esp|fileserver/\S*\.jsp|zdm/cxf/login|oa_html/\S*(?:\.\.|cmd)|nagiosxi/\S*cmd|servlet/\S*(?:\.\.|fileupload)|rest/v1/\S*estimate-shipping|latest/meta-data)",
            ),
            (
                "exploit attempt reported",
                r"\bCVE-\d{4}-\d{4,7}\b.*(?:attempt|exploit|attack|detected|inbound|rce|blocked)|\b(?:exploit|attack|attempt|detected|inbound|rce)\b.*\bCVE-\d{4}-\d{4,7}|\bexploit(?:ation)?[- ](?:attempt|kit|detected|of)|\bET (?:EXPLOIT|WEB_SPECIFIC_APPS|WEB_SERVER)\b|\bremote[ ._-]code[ ._-]execution\b|\bbuffer[ ._]overflow\b|\bheap spray|\bdeserializ\w+ (?:attack|exploit|vulnerab)|,THREAT,vulnerability,|\bvulnerability protection\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1595.002"],
        severity: Severity::Medium,
        strength: Strong,
        signal: Probe,
        rules: &[(
            "a scanner's name in a request",
            r"\b(?:nikto|sqlmap|nmap scripting|masscan|zgrab|nuclei|gobuster|dirbuster|feroxbuster|wfuzz|ffuf|wpscan|acunetix|netsparker|nessus|openvas|arachni|w3af|havij|joomscan|whatweb|zmeu|morfeus|jorgee|muieblackcat|l9explore|censysinspect|expanse|internetmeasurement|fimap|skipfish|vega/|qualys|paros|burpcollaborator|interactsh|oast\.(?:pro|live|site|me|fun|online)|commix|xsser|dirsearch|httpx - open|project25499|libredtail|hello,? ?world\b.{0,10}\x22$|custom-asynchttpclient|python-requests/.{0,12}setup|t3mp|mozlila|gr0n|xenu)\b|w00tw00t",
        )],
    },
    Group {
        class: ThreatClass::Reconnaissance,
        techniques: &["T1595.003"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Probe,
        rules: &[
            (
                "request for secrets or leftovers",
                r"(?:GET|POST|HEAD|PUT|uri|url|path)\b[^\n]{0,60}/(?:\.(?:env|git|svn|hg|cvs|aws|ssh|htaccess|htpasswd|ds_store|vscode|idea|npmrc|docker|bash_history|config|kube|well-known/\.\.|bak|boto|passwd|s3cfg|pgpass|netrc)\b|wp-config\.php|config(?:uration)?\.(?:php|json|ya?ml|inc)(?:\.\w{2,6})?\b|web\.config|id_rsa|credentials|secrets?\.(?:json|ya?ml)|(?:backup|dump|database|db|site|www|sql)\.(?:sql|zip|tar|tgz|gz|bak|rar|7z)|server-status|phpinfo|info\.php|test\.php|debug/default|telescope/requests|elmah\.axd|trace\.axd|composer\.(?:json|lock)|docker-compose|sftp\.json|\S*\.(?:bak|old|swp|orig|save|cfg|ini|inc|mdb)(?:\s|\?|$|\x22))",
            ),
            (
                "request for a web shell",
                r"(?:GET|POST|HEAD|PUT)\s+\S*/[\w.-]*(?:shell|c99|r57|wso|b374k|backdoor|cmd)[\w-]*\.(?:php\d?|aspx?|jspx?)\b",
            ),
            (
                "request for administration pages",
                r"(?:GET|POST|HEAD|uri|url|path)\b[^\n]{0,40}/(?:phpmyadmin|pma\d*|myadmin|mysqladmin|dbadmin|sqlmanager|adminer|php-?my-?admin|administrator/|admin/(?:config|login|index|mysql|pma|phpmyadmin|db)\S*|manager/html|host-manager|wp-(?:login|admin|json/wp/v2/users|content/plugins/\S+/readme)|xmlrpc\.php|solr/|jenkins|hudson|script\b|struts|axis2|cgi-bin/|boaform|setup\.cgi|hnap1|remote/login|sslvpn|vpnsvc|dana-na|global-protect/|\+cscoe\+|login\.(?:asp|cgi|jsp|htm)|admin\.(?:php|asp|cgi|jsp)|currentsetting\.htm|evox/about|sdk\b|nmaplowercheck|nice%20ports|sitecore|drupal|joomla|magento|user/register|typo3|core/skin/login\.aspx|api/v1/pods|\S*warning\.php)|\b(?:GET|POST|HEAD) /(?:owa|ecp|autodiscover)/?\S* HTTP/[\d.]{1,3}\x22 40[34]\b",
            ),
            (
                "malformed request",
                r"\x22(?:\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|[a-z]{1,20}\x22 400 )[^\x22]{0,400}(?:\x22 4\d\d |\x22? ?\d* ?\d* \x22-\x22|400 \d)|\x22(?:-|\S+|[^\x22]{0,40})\x22 400 \d+ \x22-\x22 \x22-\x22|\bscript '?\S*'? ?not found or unable to stat|\binvalid (?:URI|method|character|HTTP|host) in request|\bInvalid method in request|\bclient sent (?:invalid|plain HTTP|too (?:long|large))|\bMGLNDD_|\bCONNECT \S+:\d+ HTTP|\x22(?:GET|POST|HEAD) https?://\S+ HTTP/1\.[01]\x22 [34]|HTTP/(?:[4-9]|[023]\.[1-9]|1\.[2-9]|\d{2,})\S{0,4}\x22|AH(?:00126|00135|00566|10244)\b",
            ),
        ],
    },
    Group {
        class: ThreatClass::WebAttack,
        techniques: &["T1190"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Probe,
        rules: &[(
            "suspicious characters in a request",
            r"\bsuhosin\b.*\bALERT\b|\bAH01215: .*error importing function definition|`(?:sleep|id|whoami|wget|curl)\b|\berroneous characters after protocol string|(?:GET|POST|HEAD|PUT) \S*(?:%00|%0d%0a|%252e|%c0%af|%u00|\.\./|\.\.%2f|;jsessionid=\S*\.\.|/\*\*/|0x[0-9a-f]{16}|char\(|concat\(|%27(?:&|\s|;|\)|#|--|%(?:22|23|28|29|3b|7c|27))|%3cscript|base64_)|\bexecution attempt|\bpossible (?:attack|injection|exploit)",
        )],
    },
    Group {
        class: ThreatClass::DenialOfService,
        techniques: &["T1499.002"],
        severity: Severity::Low,
        strength: super::Strength::Trace,
        signal: super::Signal::CacheBypass,
        rules: &[(
            "request for a page under a random name",
            r"\x22(?:GET|POST|HEAD) /\?\d{6,} HTTP",
        )],
    },
    Group {
        class: ThreatClass::PolicyViolation,
        techniques: &["T1657"],
        severity: Severity::Low,
        strength: Weak,
        signal: PaymentRefused,
        rules: &[(
            "payment refused",
            r"\bPAYMENT_FAILED\b|\bpayment (?:was )?(?:failed|declined|refused)|\bcard (?:was )?declined|\bcard_declined\b",
        )],
    },
];
