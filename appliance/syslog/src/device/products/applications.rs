//! Applications that people host themselves, and what guards them.

use super::{LOGIN, LOGIN_DONE, LOGIN_FAILED, Pattern, Product, REQUEST, form};

pub(super) const TABLE: &[Product] = &[
    Product::of("keycloak", "").marks(&["type=LOGIN", "realmId="]).keys(&[
        ("type", "event.action"),
        ("ipAddress", "source.ip"),
        ("username", "user.name"),
        ("userId", "user.id"),
        ("error", "event.reason"),
        ("redirect_uri", ""),
    ]),
    Product::of("grafana", "").marks(&["logger=context", "uname="]).keys(GRAFANA),
    Product::of("grafana", "").marks(&["\"logger\":\"context\"", "\"uname\":"]).keys(GRAFANA),
    Product::of("authelia", "").marks(&["authentication attempt by user '"]).keys(&[("remote_ip", "source.ip"), ("path", "url.path")]).patterns(&[
        form("attempt by user", r"(?P<event.outcome>Unsuccessful|Successful) \S+ authentication attempt by user '(?P<user.name>[^']*)'", LOGIN),
    ]),
    Product::of("authentik", "").marks(&["\"auth_via\":", "\"client_ip\":"]).keys(&[("client_ip", "source.ip")]),
    Product::of("authentik", "").marks(&["goauthentik", "\"logger\":"]),
    Product::of("nextcloud", "").marks(&["\"reqId\":", "\"remoteAddr\":"]).keys(&[("remoteAddr", "source.ip")]).patterns(&[
        form("Login failed", r"Login failed: '?(?P<user.name>.*?)'? \(Remote IP: '?{src}'?\)", LOGIN_FAILED),
        form("Trusted domain error", r#"(?P<event.reason>Trusted domain error)\. "{src}""#, ["web", "", "failure"]),
    ]),
    Product::of("gitlab", "").marks(&["\"correlation_id\":", "\"controller\":"]).keys(&[("remote_ip", "source.ip"), ("path", "url.original"), ("action", "event.action")]),
    Product::of("gitea", "").marks(&["Failed authentication attempt for "]).only(&[
        form("attempt for", r"Failed authentication attempt for (?P<user.name>.*) from {src}(?::(?P<source.port>\d+))?(?:: (?P<event.reason>[^\[]*))?", LOGIN_FAILED),
    ]),
    Product::of("jellyfin", "").apps(&["jellyfin*"]).patterns(JELLYFIN),
    Product::of("jellyfin", "").marks(&["Authentication request for "]).only(JELLYFIN),
    Product::of("seerr", "").marks(&["]: Failed ", "{\""]).only(&[form("Failed", r"\[(?:API|Auth)\]: (?P<event.reason>Failed (?:sign-in|login) attempt.*?) \{", LOGIN_FAILED)]),
    Product::of("servarr", "").apps(&["Radarr", "Sonarr", "Prowlarr", "Lidarr", "Readarr", "mono"]).patterns(SERVARR),
    Product::of("servarr", "").marks(&["Auth: Auth-"]).only(SERVARR),
    Product::of("qbittorrent", "").marks(&["WebAPI login "]).only(&[
        form("WebAPI", r"WebAPI login (?P<event.outcome>failure|success)\.(?: Reason: (?P<event.reason>.*?),)? IP: {src}(?:, username: (?P<user.name>.*))?$", LOGIN),
    ]),
    Product::of("vaultwarden", "").marks(&["Username or password is incorrect. Try again. IP: "]).only(&[
        form("IP: ", r"Username or password is incorrect\. Try again\. IP: {src}\. Username: (?P<user.name>.*?)\.?$", LOGIN_FAILED),
    ]),
    Product::of("vaultwarden", "").marks(&["[vaultwarden::"]).patterns(&[
        form("Invalid", r"(?P<event.reason>Invalid \w+ (?:token|code).*?)[.,]? IP: {src}", LOGIN_FAILED),
    ]),
    Product::of("bitwarden", "").marks(&["Failed login attempt"]).only(&[
        form("Failed login attempt", r"\[WRN\] Failed login attempt(?:, (?P<event.reason>2FA invalid))?\. {src}", LOGIN_FAILED),
        form("by IP", r"Failed login attempt by IP: {src}", LOGIN_FAILED),
        form("from ip address", r"\[AuthService\] Failed login attempt for user (?P<user.name>\S+) from ip address {src}", LOGIN_FAILED),
        form("for username", r#"Failed login attempt for username "(?P<user.name>[^"]*)" from ip {src}(?: \((?P<event.reason>[^)]*)\))?"#, LOGIN_FAILED),
        form("from IP", r"Failed login attempt from IP: \[?{src}", LOGIN_FAILED),
    ]),
    Product::of("stirling-pdf", "").marks(&["Invalid password for user: "]).only(&[
        form("from IP", r"(?P<event.reason>Invalid password) for user: (?P<user.name>.*) from IP: {src}", LOGIN_FAILED),
    ]),
    Product::of("home-assistant", "").marks(&["[homeassistant.components."]).patterns(&[
        form("invalid authentication", r"(?P<event.reason>Login attempt or request with invalid authentication) from (?:(?P<source.domain>\S+) )?\({src}\)\.(?: Requested URL: '(?P<url.original>[^']*)'\.)?(?: \((?P<user_agent.original>.*)\))?", LOGIN_FAILED),
        form("Banned IP", r"Banned IP {src} for too many login attempts", ["authentication", "ip_banned", "failure"]),
    ]),
    Product::of("zoneminder", "").marks(&["web_php["]).patterns(ZONEMINDER),
    Product::of("zoneminder", "").apps(&["web_php", "zm*"]).patterns(ZONEMINDER),
    Product::of("calibre-web", "").marks(&["Login failed for user \"", "IP-address: "]).only(&[
        form("Login failed", r#"Login failed for user "(?P<user.name>.*?)" IP-address: {src}"#, LOGIN_FAILED),
    ]),
    Product::of("uptime-kuma", "").marks(&["[AUTH] "]).only(&[
        form("for user", r"\[AUTH\] \w+: (?P<event.reason>.*?) for user (?P<user.name>.*)\. IP=\[?{src}", LOGIN_FAILED),
    ]),
    Product::of("sabnzbd", "").marks(&["::[interface:"]).only(&[
        form("[interface:", r"\[interface:\d+\] (?P<event.reason>.*?) {src}(?: \(X-Forwarded-For: [^)]*\))? \[(?P<user_agent.original>.*)\]$", LOGIN_FAILED),
    ]),
    Product::of("fireflyiii", "").marks(&["AUDIT: ", ".INFO"]).only(FIREFLY),
    Product::of("filebrowser", "").marks(&["/api/login: "]).only(&[
        form("/api/login", r"(?P<url.original>/api/login): (?P<http.response.status_code>\d{3}) {src} ", ["authentication", "login", ""]),
    ]),
    Product::of("filebrowser", "").marks(&[" <nil>"]).only(&[
        form("<nil>", r"^(?:\S+ \S+ )?(?P<url.original>/\S*): (?P<http.response.status_code>\d{3}) {src} <nil>$", REQUEST),
    ]),
    Product::of("technitium", "").marks(&["DnsServerCore."]).only(&[
        form("for user: ", r"\[{src}:(?P<source.port>\d+)\] \S+: (?P<event.reason>Invalid username or password) for user: (?P<user.name>.*)$", LOGIN_FAILED),
    ]),
    Product::of("technitium", "").marks(&[" UTC] [", "User logged in"]).only(&[
        form("logged in", r"\[{src}:(?P<source.port>\d+)\] \[(?P<user.name>[^\]]*)\] User logged in", LOGIN_DONE),
    ]),
    Product::of("adguardhome", "").marks(&["/control/login: "]).only(&[
        form("/control/login", r"(?P<http.request.method>POST) {dst} (?P<url.original>/control/login): from ip {src}: (?P<event.reason>.*)$", LOGIN_FAILED),
        form("/control/login", r"(?P<http.request.method>POST) {src} (?P<url.original>/control/login): (?P<event.reason>.*)$", LOGIN_FAILED),
    ]),
    Product::of("joplin", "").marks(&[" App: ", "/api/sessions: "]).only(&[
        form("/api/sessions", r#" App: (?P<http.response.status_code>\d{3}): (?P<http.request.method>[A-Z]+) (?P<url.original>\S+): {src}: (?P<event.reason>[^:{]*)(?:: \{"email":"(?P<user.name>[^"]*)")?"#, LOGIN_FAILED),
    ]),
    Product::of("lemonldap", "").apps(&["LLNG"]).patterns(&[
        form("LDAP directory", r"\[\w+\] (?P<user.name>\S+) was not found in LDAP directory \({src}\)", LOGIN_FAILED),
        form("Bad password", r"Bad password(?: for (?P<user.name>\S+))?.*?\(?{src}\)?", LOGIN_FAILED),
    ]),
    Product::of("cas", "").marks(&["AUTHENTICATION_"]).only(&[
        form("AUTHENTICATION_", r"\|(?P<event.action>AUTHENTICATION_(?:FAILED|SUCCESS))\|(?P<user.name>[^|]*)\|{src}\|{dst}", ["authentication", "", ""]),
    ]),
    Product::of("redmine", "").marks(&["authentication for '", "' from "]).only(&[
        form("authentication for", r"(?P<event.outcome>Successful|Failed|Invalid) authentication for '(?P<user.name>[^']*)' from {src}", LOGIN),
        form("attempt for", r"(?P<event.outcome>Failed) login for '(?P<user.name>[^']*)' from {src}", LOGIN),
    ]),
    Product::of("redmine", "").marks(&["Failed login for '", "' from "]).only(&[
        form("login for", r"Failed login for '(?P<user.name>[^']*)' from {src}", LOGIN_FAILED),
    ]),
    Product::of("teamspeak", "").marks(&["attempted to login with account \""]).only(&[
        form("account", r#"query from \d+ {src}:(?P<source.port>\d+) attempted to login with account "(?P<user.name>[^"]*)" and failed"#, LOGIN_FAILED),
    ]),
    Product::of("freeswitch", "").marks(&["sofia_reg.c:"]).only(&[
        form(" from ", r"(?P<event.reason>SIP auth (?:failure|challenge) \(\w+\)|Can't find user)(?: on sofia profile '[^']*')?(?: for)? \[(?P<user.name>[^\]]*)\] from (?:ip )?{src}", ["authentication", "sip_register", "failure"]),
    ]),
    Product::of("asterisk", "").marks(&["chan_sip.c"]).patterns(ASTERISK),
    Product::of("asterisk", "").marks(&["res_security_log.c"]).patterns(ASTERISK),
    Product::of("asterisk", "").marks(&["SecurityEvent=\""]).patterns(ASTERISK),
    Product::of("asterisk", "").marks(&["Request '", "failed for '"]).only(ASTERISK),
    Product::of("asterisk", "").apps(&["asterisk"]).patterns(ASTERISK),
    Product::of("emby", "").marks(&["AUTH-ERROR: "]).only(&[
        form("AUTH-ERROR", r"AUTH-ERROR: {src} - (?P<event.reason>.*?)\.?$", LOGIN_FAILED),
    ]),
    Product::of("mealie", "").marks(&["Incorrect username or password from "]).only(&[
        form("from", r"(?P<event.reason>Incorrect username or password) from {src}", LOGIN_FAILED),
    ]),
    Product::of("pterodactyl", "").marks(&["failed to validate user credentials"]).keys(&[("ip", "source.ip"), ("username", "user.name"), ("subsystem", "network.protocol")]).patterns(&[
        form("failed to", r"(?P<event.reason>failed to validate user credentials \([^)]*\))", LOGIN_FAILED),
    ]),
    Product::of("navidrome", "").marks(&["httpStatus=", "remoteAddr="]).keys(&[("remoteAddr", "source.ip"), ("httpStatus", "http.response.status_code"), ("responseSize", "http.response.bytes"), ("userAgent", "user_agent.original")]),
    Product::of("ntfy", "").marks(&["\"visitor_id\":", "\"visitor_auth_limiter"]).keys(&[("visitor_ip", "source.ip"), ("http_method", "http.request.method"), ("http_path", "url.original"), ("http_status", "http.response.status_code")]),
    Product::of("kasm", "").marks(&["\"processName\":", "\"funcName\":", "client_api"]).patterns(&[
        form("uthentication", r"(?:uthentication attempt|uthentication failed|invalid) .*?(?:username|user) \(?'?(?P<user.name>[^)'\s]*)\)?'?", LOGIN_FAILED),
    ]),
    Product::of("magento", "").marks(&["crowdsec-events."]).keys(&[("type", "event.action"), ("ip", "source.ip")]),
    Product::of("kubernetes.audit", "").marks(&["\"auditID\":", "\"requestURI\":"]).keys(&[("requestURI", "url.original"), ("verb", "event.action"), ("user.username", "user.name"), ("sourceIPs", "source.ip"), ("responseStatus.code", "http.response.status_code"), ("userAgent", "user_agent.original")]),
    Product::of("aws.cloudtrail", "Amazon").marks(&["\"eventVersion\":", "\"eventSource\":", "\"awsRegion\":"]),
    Product::of("laurel", "").marks(&["\"SYSCALL\":", "\"ID\":"]),
    Product::of("lfd", "").apps(&["lfd"]).patterns(&[
        form("(", r"\((?P<network.protocol>[\w-]+)\) (?P<event.reason>Failed .*?) from {src} ", LOGIN_FAILED),
        form("*", r"(?P<event.reason>\*[^*]+\*) .*?\b{src}\b", ["intrusion_detection", "", ""]),
    ]),
    Product::of("fail2ban", "").apps(&["fail2ban*"]).patterns(FAIL2BAN),
    Product::of("fail2ban", "").marks(&["fail2ban."]).only(FAIL2BAN),
    Product::of("crowdsec", "").apps(&["crowdsec*"]),
    Product::of("drupal", "").marks(&["|user|", "Login attempt failed"]).only(&[
        form("|user|", r"\|user\|{src}\|.*\|Login attempt failed (?:for|from) (?P<user.name>[^|]*?)\.?$", LOGIN_FAILED),
    ]),
    Product::of("directadmin", "").marks(&["failed login attempt", "Account '"]).only(&[
        form("Account '", r"'?{src}'? \d+ failed login attempts?\. Account '(?P<user.name>[^']*)'", LOGIN_FAILED),
    ]),
    Product::of("monit", "").marks(&["access denied -- client "]).only(&[
        form("denied", r"access denied -- client \[?{src}\]?: (?P<event.reason>.*)$", LOGIN_FAILED),
    ]),
    Product::of("monitorix", "").marks(&[" 401 - ", "monitorix"]).patterns(&[]),
    Product::of("ejabberd", "").marks(&["Failed ", " authentication for ", " from "]).only(&[
        form("authentication for", r"Failed (?:c2s )?\S+ authentication for (?P<user.name>\S+) from (?:IP )?(?:::ffff:)?{src}", LOGIN_FAILED),
    ]),
    Product::of("froxlor", "").marks(&["Login Action", "Unknown user"]).patterns(&[]),
    Product::of("suhosin", "").marks(&["ALERT - ", "(attacker '"]).only(&[
        form("attacker", r"ALERT - (?P<rule.name>.*?) \(attacker '{src}'(?:, file '(?P<file.path>[^']*)')?", ["intrusion_detection", "alert", "failure"]),
    ]),
];

const GRAFANA: crate::device::Keys = &[
    ("uname", "user.name"),
    ("remote_addr", "source.ip"),
    ("error", "event.reason"),
    ("userId", ""),
    ("msg", "event.reason"),
];

const JELLYFIN: &[Pattern] = &[
    form(
        "Authentication request",
        r#"Authentication request for "?(?P<user.name>.*?)"? has been (?P<event.outcome>denied) \(IP: \[?{src}"#,
        LOGIN,
    ),
    form(
        "has succeeded",
        r#"Authentication request for "?(?P<user.name>.*?)"? has succeeded"#,
        LOGIN_DONE,
    ),
];

const SERVARR: &[Pattern] = &[
    form(
        "Auth-Failure",
        r"Auth: Auth-Failure ip {src} username '(?P<user.name>.*?)'?$",
        LOGIN_FAILED,
    ),
    form(
        "Auth-Success",
        r"Auth: Auth-Success ip {src} username '(?P<user.name>.*?)'?$",
        LOGIN_DONE,
    ),
];

const ZONEMINDER: &[Pattern] = &[
    form(
        "enied for user",
        r#"\[{src}\] \[Login denied for user "(?P<user.name>[^"]*)"\]"#,
        LOGIN_FAILED,
    ),
    form(
        "retrieve user",
        r"\[{src}\] \[(?P<event.reason>Could not retrieve user) (?P<user.name>.*?) details\]",
        LOGIN_FAILED,
    ),
    form("token for", r#"\[{src}\] \[Creating token for "(?P<user.name>[^"]*)"\]"#, LOGIN_DONE),
    form("] [", r"\[{src}\] \[(?P<event.reason>[^\]]*)\]", ["web", "", ""]),
];

const FIREFLY: &[Pattern] = &[
    form(
        "trying to login",
        r#"User is trying to login using "(?P<user.name>[^"]*)" \({src} ->"#,
        LOGIN,
    ),
    form(
        "AUDIT: ",
        r#"AUDIT: (?P<event.reason>.*?)(?: using "(?P<user.name>[^"]*)")?\.? \({src} -> (?P<http.request.method>[A-Z]+):(?P<url.original>[^)\s]*)\)"#,
        LOGIN,
    ),
];

const ASTERISK: &[Pattern] = &[
    form(
        "SecurityEvent",
        r#"SecurityEvent="(?P<event.action>[^"]*)".*?AccountID="(?P<user.name>[^"]*)".*?LocalAddress="IPV[46]/\w+/{dst}/(?P<destination.port>\d+)",RemoteAddress="IPV[46]/(?P<network.transport>\w+)/{src}/(?P<source.port>\d+)""#,
        ["authentication", "", ""],
    ),
    form(
        "Registration from",
        r"Registration from '(?P<user.name>.*?)' failed for '{src}(?::(?P<source.port>\d+))?' - (?P<event.reason>.*)$",
        ["authentication", "sip_register", "failure"],
    ),
    form(
        "failed for '",
        r"Request '?(?P<event.action>\w+)'? from '(?P<user.name>.*?)' failed for '{src}(?::(?P<source.port>\d+))?' \(callid: .*?\) - (?P<event.reason>.*)$",
        ["authentication", "", "failure"],
    ),
    form(
        "failed to authenticate",
        r"Host {src} failed to authenticate as '(?P<user.name>[^']*)'",
        LOGIN_FAILED,
    ),
    form(
        "device",
        r"(?P<event.reason>Failed to authenticate|No registration for peer|Sending fake auth rejection for) (?:device|peer|user)?.*?(?:from|IP) {src}",
        LOGIN_FAILED,
    ),
    form(
        "Call from",
        r"Call from '(?P<user.name>[^']*)' \({src}:(?P<source.port>\d+)\) to extension '[^']*' rejected because (?P<event.reason>.*)$",
        ["network", "sip_call", "failure"],
    ),
];

const FAIL2BAN: &[Pattern] = &[form(
    "] ",
    r"\[(?P<rule.name>[^\]]+)\] (?P<event.action>Ban|Unban|Found|Restore Ban|Increase Ban|Ignore) {src}",
    ["intrusion_detection", "", ""],
)];
