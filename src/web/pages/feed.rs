//! tmp
use crate::web::{answer::Answer, error::WebError, site::Visit}; use crate::id::*; use crate::url::TopicOrder;
pub(in crate::web) fn new(_v: &Visit<'_>, _n: &InboxName) -> Result<Answer, WebError> { Err(WebError::MISSING) }
pub(in crate::web) fn topics(_v: &Visit<'_>, _n: &InboxName, _o: TopicOrder) -> Result<Answer, WebError> { Err(WebError::MISSING) }
pub(in crate::web) fn thread(_v: &Visit<'_>, _n: &InboxName, _m: &MessageId) -> Result<Answer, WebError> { Err(WebError::MISSING) }
