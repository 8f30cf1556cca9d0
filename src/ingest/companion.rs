//! Leads public-inbox's own index of an inbox along where history is written anew.

use crate::config::InboxConfig;
use crate::db::{companion_articles, companion_highest, mend_companion};
use crate::error::Result;
use crate::id::MessageId;
use crate::store::{Companion, companion_follows, has_companion};

/// What public-inbox knew before.
pub(super) struct Led<'a> {
    inbox: &'a InboxConfig,
    /// The mail that stays, if there is one, and the articles under whose numbers it stood.
    stays: &'a [MessageId],
    knew: Result<(i64, Vec<i64>)>,
}

impl<'a> Led<'a> {
    /// To be called before history changes, and before its lock is taken; the mail of the ids `stays` is to keep its
    /// numbers. `None` where public-inbox keeps no index of this inbox.
    pub(super) fn begin(inbox: &'a InboxConfig, stays: &'a [MessageId]) -> Option<Led<'a>> {
        if !has_companion(&inbox.dir) {
            return None;
        }
        // What has come since gets its number now, as we have given it. Whether that went well is seen at the end.
        companion_follows(&inbox.dir);
        let knew = companion_highest(&inbox.dir)
            .and_then(|highest| Ok((highest, companion_articles(&inbox.dir, stays)?)));
        Some(Led { inbox, stays, knew })
    }

    /// To be called when history has changed, and before old objects are deleted. Nobody may hold the lock.
    pub(super) fn end(self) -> Companion {
        let dir = &self.inbox.dir;
        let followed = companion_follows(dir);
        if followed != Companion::Followed {
            return followed;
        }
        let kept = self.knew.and_then(|(highest, articles)| {
            mend_companion(dir, highest)?;
            Ok(companion_articles(dir, self.stays)? == articles)
        });
        match kept {
            Ok(true) => Companion::Followed,
            Ok(false) => Companion::Behind("it has the mail under another number".to_owned()),
            Err(error) => Companion::Behind(error.to_string()),
        }
    }
}
