//! tmp
use crate::web::{answer::Answer, error::WebError, site::Visit}; use crate::id::*;
pub(in crate::web) fn show(_v: &Visit<'_>, _n: &InboxName, _m: &MessageId) -> Result<Answer, WebError> { Err(WebError::MISSING) }
