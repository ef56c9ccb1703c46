//! Bytes to log records: framing, RFC 5424 and RFC 3164, device decoders.
