//! tmp
use crate::web::{answer::Answer, error::WebError, site::Visit}; use crate::id::*;
pub(in crate::web) fn flat(_v: &Visit<'_>, _n: &InboxName, _m: &MessageId) -> Result<Answer, WebError> { Err(WebError::MISSING) }
pub(in crate::web) fn nested(_v: &Visit<'_>, _n: &InboxName, _m: &MessageId) -> Result<Answer, WebError> { Err(WebError::MISSING) }
