//! The language model as the appliance sees it: where bundles lie, how the base model is fetched, and
//! the client of the worker process. The model itself runs elsewhere; nothing here knows candle.

pub(crate) mod build;
pub(crate) mod bundle;
pub(crate) mod card;
pub(crate) mod carry;
pub(crate) mod embed;
pub(crate) mod pull;
pub(crate) mod shadow;
pub(crate) mod worker;
