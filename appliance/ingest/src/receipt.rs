use std::fmt;

/// Held by whoever stores a line whose sender waits to hear that it is safe. Dropped without
/// [`Receipt::confirm`], the sender hears nothing, keeps the line and sends it again.
pub struct Receipt {
    confirm: Box<dyn FnOnce() + Send>,
    repeated: bool,
}

impl Receipt {
    pub(crate) fn new(repeated: bool, confirm: impl FnOnce() + Send + 'static) -> Self {
        Self { confirm: Box::new(confirm), repeated }
    }

    /// Tells the sender that the line is committed.
    pub fn confirm(self) {
        (self.confirm)();
    }

    /// Whether the line equals one that its sender had sent before and may not know to be safe: to be
    /// marked, for it is very likely the same.
    pub fn is_repeat(&self) -> bool {
        self.repeated
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("repeated", &self.repeated).finish_non_exhaustive()
    }
}
