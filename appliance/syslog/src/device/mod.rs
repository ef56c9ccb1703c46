//! The devices that are known.
use crate::header::Header;
use time::OffsetDateTime;
use vedette_event::Fields;
/// A line.
pub(crate) struct Line<'t> {
    pub(crate) message: &'t str,
}
#[derive(Clone, Copy)]
pub(crate) struct Decoded {
    pub(crate) dataset: &'static str,
    pub(crate) complete: bool,
}
impl<'t> Line<'t> {
    pub(crate) fn new(message: &'t str, _header: &'t Header) -> Self {
        Self { message }
    }
    pub(crate) fn own_time(&self, _received_at: OffsetDateTime) -> Option<OffsetDateTime> {
        None
    }
}
pub(crate) fn decode(_line: &Line<'_>, _fields: &mut Fields) -> Option<Decoded> {
    None
}
