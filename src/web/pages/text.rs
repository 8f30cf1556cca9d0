//! tmp
use crate::web::{answer::Answer, error::WebError, site::Visit}; use crate::id::*;
pub(in crate::web) fn show(_v: &Visit<'_>, _n: &InboxName, _k: &str) -> Result<Answer, WebError> { Err(WebError::MISSING) }
pub(in crate::web) fn raw(_v: &Visit<'_>, _n: &InboxName, _k: &str) -> Result<Answer, WebError> { Err(WebError::MISSING) }
