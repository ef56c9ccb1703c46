//! Web servers, proxies and load balancers, beyond the common log format.

use super::{Pattern, Product, REQUEST, form};

pub(super) const TABLE: &[Product] = &[
    Product::of("modsecurity", "").marks(&["ModSecurity: ", "[id \""]).only(MODSECURITY),
    Product::of("coraza", "").marks(&["Coraza: ", "[id "]).only(MODSECURITY),
    Product::of("aws.elb", "Amazon").marks(&["arn:aws:elasticloadbalancing:"]).only(ELB),
    Product::of("aws.elb", "Amazon").marks(&[" app/", "\" \""]).only(ELB),
    Product::of("haproxy", "").apps(&["haproxy*"]).patterns(HAPROXY),
    Product::of("envoy", "").marks(&["] \"", " \"tcp://"]).only(ENVOY),
    Product::of("envoy", "").marks(&["[20", "Z] \"", "HTTP/"]).only(ENVOY),
    Product::of("envoy", "").marks(&["\"downstream_remote_address\":"]).keys(&[
        (":authority", "url.domain"),
        ("x-envoy-origin-path", "url.original"),
        ("response_code", "http.response.status_code"),
        ("bytes_sent", "http.response.bytes"),
        ("user-agent", "user_agent.original"),
        ("downstream_remote_address", "source.ip"),
        ("downstream_local_address", "destination.ip"),
        ("x_forwarded_for", "source.ip"),
        ("protocol", ""),
        ("upstream_host", ""),
        ("start_time", ""),
    ]),
    Product::of("traefik", "").marks(&["\"ClientHost\":", "\"RequestMethod\":"]).keys(&[
        ("ClientHost", "source.ip"),
        ("ClientPort", "source.port"),
        ("ClientUsername", "user.name"),
        ("RequestHost", "url.domain"),
        ("RequestAddr", "url.domain"),
        ("RequestMethod", "http.request.method"),
        ("RequestPath", "url.original"),
        ("DownstreamStatus", "http.response.status_code"),
        ("DownstreamContentSize", "http.response.bytes"),
        ("request_User-Agent", "user_agent.original"),
        ("request_Referer", "http.request.referrer"),
        ("ServiceURL", ""),
        ("ServiceAddr", ""),
        ("ClientAddr", ""),
    ]),
    Product::of("traefik", "").marks(&["Handling ", " from ", " to "]).only(&[form(
        "Handling",
        r"Handling (?P<network.transport>TCP|UDP) (?:connection|stream) from {src}:(?P<source.port>\d+) to {dst}:(?P<destination.port>\d+)",
        super::CONNECTION,
    )]),
    Product::of("caddy", "").marks(&["\"http.log.access"]).keys(&[
        ("remote_ip", "source.ip"),
        ("client_ip", "source.ip"),
        ("remote_port", "source.port"),
        ("host", "url.domain"),
        ("uri", "url.original"),
        ("size", "http.response.bytes"),
        ("status", "http.response.status_code"),
        ("user_id", "user.name"),
        ("msg", ""),
    ]),
    Product::of("nginx-proxy-manager", "").marks(&["] - ", " [Client "]).only(NGINX_PROXY_MANAGER),
    Product::of("nginx-proxy-manager", "").marks(&["[Gzip ", " [Client "]).only(NGINX_PROXY_MANAGER),
    Product::of("npmplus", "").marks(&["] ", " \""]).only(NPMPLUS),
    Product::of("zoraxy", "").marks(&["[router:", "[client: "]).only(&[form(
        "[client: ",
        r"\[router:[^\]]*\] (?:\[origin:(?P<url.domain>[^\]]*)\] )?\[client: {src}\] \[useragent: (?P<user_agent.original>.*)\] (?P<http.request.method>[A-Z]+) (?P<url.original>\S+) (?P<http.response.status_code>\d{3})\s*$",
        REQUEST,
    )]),
    Product::of("gin", "").marks(&["[GIN] ", " | "]).only(&[form(
        "[GIN]",
        r#"\| +(?P<http.response.status_code>\d{3}) \| +\S+ \| +{src} \| (?P<http.request.method>[A-Z]+) +"(?P<url.original>[^"]*)""#,
        REQUEST,
    )]),
    Product::of("uvicorn", "").marks(&[" - \"", " HTTP/1.1\" "]).only(&[form(
        " - \"",
        r#"(?:^|\s){src}:\d+ - "(?P<request>[^"]*)" (?P<http.response.status_code>\d{3})(?: [A-Z][A-Za-z ]*)?\s*$"#,
        REQUEST,
    )]),
    Product::of("play", "").marks(&["AccessLogFilter", " took "]).only(&[form(
        "and returned",
        r"{src} (?P<http.request.method>[A-Z]+) (?P<url.original>\S+) took \d+ms and returned (?P<http.response.status_code>\d{3})(?: (?P<http.response.bytes>\d+) bytes)?",
        REQUEST,
    )]),
    Product::of("squid", "").marks(&["TCP_"]).only(SQUID),
    Product::of("fastly", "Fastly").marks(&["\"geo_country\":", "\"client_ip\":"]).keys(&[
        ("host", "url.domain"),
        ("url", "url.original"),
        ("response_body_size", "http.response.bytes"),
        ("request_protocol", ""),
    ]),
    Product::of("litespeed", "").marks(&["[INFO] [", "] ["]).only(&[form(
        "failed to authenticate",
        r"\[{src}:(?P<source.port>\d+)-[^\]]*\] User '(?P<user.name>[^']*)' failed to authenticate",
        super::LOGIN_FAILED,
    )]),
    Product::of("lighttpd", "").marks(&["(http_auth.c."]).only(LIGHTTPD),
    Product::of("lighttpd", "").marks(&["(mod_auth.c."]).only(LIGHTTPD),
    Product::of("lighttpd", "").apps(&["lighttpd"]).patterns(LIGHTTPD),
    Product::of("nginx.error", "").marks(&[": *", " client"]).only(&[form(
        ": *",
        r"\[(?:debug|info|notice|warn|error|crit)\] (?P<process.pid>\d+)#\d+: \*\d+ client {src}:(?P<source.port>\d+) connected to {dst}:(?P<destination.port>\d+)",
        super::CONNECTION,
    )]),
    Product::of("varnish", "").apps(&["varnish*"]),
    Product::of("tomcat", "").apps(&["tomcat*", "catalina"]),
];

/// `Message [file "…"] [id "…"] [msg "…"] … [hostname "…"] [uri "…"]`, as Apache, nginx and Caddy
/// write it; in nginx the parts stand in another order.
const MODSECURITY: &[Pattern] = &[
    form(
        "[id ",
        r#"\[(?:client|remote) \\?"?{src}(?::(?P<source.port>\d+))?\\?"?\].*?(?:ModSecurity|Coraza): (?P<event.reason>[^\[]*?)(?:with code (?P<http.response.status_code>\d{3})[^\[]*)?\[file .*?\[id "(?P<rule.id>\d+)"\](?:.*?\[msg "(?P<rule.name>[^"]*)"\])?(?:.*?\[hostname "(?P<url.domain>[^"]*)"\])?(?:.*?\[uri "(?P<url.original>[^"]*)"\])?"#,
        ["web", "waf_match", ""],
    ),
    form(
        "[id ",
        r#"ModSecurity: (?P<event.reason>[^\[]*?)(?:with code (?P<http.response.status_code>\d{3})[^\[]*)?\[file .*?\[id "(?P<rule.id>\d+)"\](?:.*?\[msg "(?P<rule.name>[^"]*)"\])?(?:.*?\[hostname "(?P<url.domain>[^"]*)"\])?(?:.*?\[uri "(?P<url.original>[^"]*)"\])?(?:.*?, client: {src})?"#,
        ["web", "waf_match", ""],
    ),
];

const HAPROXY: &[Pattern] = &[
    form(
        "] ",
        r#"^{src}:(?P<source.port>\d+) \[[^\]]*\] \S+ \S+ [-\d/+]+ (?P<http.response.status_code>\d{3}|-1) (?P<http.response.bytes>\+?\d+) \S+ \S+ \S+ \S+ \S+ (?:\{[^}]*\} ){0,2}"(?P<request>[^"]*)""#,
        REQUEST,
    ),
    form("] ", r"^{src}:(?P<source.port>\d+) \[[^\]]*\] \S+", super::CONNECTION),
];

const ENVOY: &[Pattern] = &[form(
    "] \"",
    r#"^\[\d{4}-[^\]]*\] "(?P<request>[^"]*)" (?P<http.response.status_code>\d{3}) \S+ (?:\S+ )??\d+ (?P<http.response.bytes>\d+) \d+ \S+ "\[?{src}[^"]*" "(?P<user_agent.original>[^"]*)" "[^"]*" "(?P<url.domain>[^"]*)" "[^"]*""#,
    REQUEST,
)];

/// `[time] CACHE STATUS UPSTREAM - METHOD SCHEME HOST "URI" [Client …] [Length …] … "agent" "referrer"`.
const NGINX_PROXY_MANAGER: &[Pattern] = &[form(
    "[Client ",
    r#"\] (?:(?:-|[A-Z]+) )?(?:(?:-|\d{3}) )?(?P<http.response.status_code>\d{3}) - (?P<http.request.method>[A-Z]+) https? (?P<url.domain>\S+) "(?P<url.original>[^"]*)" \[Client {src}\] \[Length (?:-|(?P<http.response.bytes>\d+))\] \[Gzip [^\]]*\] (?:\[Sent-to [^\]]*\] )?"(?P<user_agent.original>[^"]*)"(?: "(?P<http.request.referrer>[^"]*)")?"#,
    REQUEST,
)];

/// `[time] host address seconds "request" status length bytes referrer agent`.
const NPMPLUS: &[Pattern] = &[form(
    "] ",
    r#"^\[\d\d/\w{3}/\d{4}:[^\]]*\] (?P<url.domain>\S+) {src} [\d.]+ "(?P<request>[^"]*)" (?P<http.response.status_code>\d{3}) \d+ (?P<http.response.bytes>\d+) (?P<http.request.referrer>\S+) (?P<user_agent.original>.*)$"#,
    REQUEST,
)];

const SQUID: &[Pattern] = &[form(
    "TCP_",
    r"^(?:[\d.]+)? *\d* *{src} (?P<event.action>TCP_\w+)/(?P<http.response.status_code>\d{3}) (?P<http.response.bytes>\d+) (?P<http.request.method>[A-Z_]+) (?P<url.original>\S+) (?P<user.name>\S+) ",
    ["web", "", ""],
)];

const LIGHTTPD: &[Pattern] = &[form(
    "IP: ",
    r"(?P<event.reason>password doesn't match|get_password failed|digest: auth failed).*?(?:username: (?P<user.name>[^,\s]+),?)?.*?IP: {src}",
    super::LOGIN_FAILED,
)];

const ELB: &[Pattern] = &[form(
    " ",
    r#"^(?:https?|h2|grpcs?|wss?) (?:\S+ )?\S+ {src}:(?P<source.port>\d+) (?:-|{dst}:(?P<destination.port>\d+)) -?[\d.]+ -?[\d.]+ -?[\d.]+ (?P<http.response.status_code>\d{3}|-) \S+ (?P<http.request.bytes>\d+) (?P<http.response.bytes>\d+) "(?P<request>[^"]*)" "(?P<user_agent.original>[^"]*)""#,
    REQUEST,
)];
