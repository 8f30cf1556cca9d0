//! Message-IDs for mail that has none of its own, in the form that public-inbox gives them.

use sha2::{Digest, Sha256};

use crate::id::MessageId;
use crate::mail::Message;
use crate::time::Timestamp;

/// `YYYYMMDDhhmmss.DIGEST@z`: when it was sent and a hash of its content, so that the same mail gets the same id
/// again. The `attempt` counts ids that were taken by other mail.
pub(super) fn made_up(
    message: &Message<'_>,
    came: Option<Timestamp>,
    attempt: u32,
) -> Option<MessageId> {
    let when = message.sent().or_else(|| message.received()).or(came);
    let when = when.unwrap_or_default().digits();
    let mut hash = Sha256::new();
    hash.update(message.fingerprint().0);
    if attempt > 0 {
        hash.update(attempt.to_be_bytes());
        for received in message.headers("Received") {
            hash.update(received);
        }
    }
    let digest = crate::mail::url_safe_base64(&hash.finalize());
    MessageId::parse(&format!("{when}.{digest}@z"))
}

#[cfg(test)]
mod tests {
    use super::made_up;
    use crate::mail::Message;

    #[test]
    fn an_id_is_made_of_the_time_and_the_content() {
        let raw = b"Date: Thu, 1 Jan 2015 00:00:00 +0000\nSubject: x\n\nbody\n";
        let id = |attempt| {
            let id = made_up(&Message::parse(raw), None, attempt);
            id.unwrap().to_string()
        };
        assert!(id(0).starts_with("20150101000000."));
        assert_eq!(
            id(0).len(),
            "20150101000000.YLNjh8sO4icKSsZT987nt5YhZ_eM1lKSECkdT_-tBGc@z".len()
        );
        assert_eq!(id(0), id(0));
        assert_ne!(id(0), id(1));
    }
}
