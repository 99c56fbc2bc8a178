//! What an extension answers over NATS.

use registry_nats::{NatsFailureCode, TestReply};

/// Any answer is shown in part, and is JSON or a failure that says where it isn't.
pub(crate) fn bytes(bytes: &[u8]) {
    let (reply, failure) = TestReply::read(bytes, 1.0);
    assert_eq!(reply.byte_count, bytes.len());
    // A byte that is no text becomes a character of three.
    assert!(reply.text.len() <= 3 * bytes.len().min(65_536));
    assert_eq!(reply.is_cut, bytes.len() > 65_536);
    assert_eq!(reply.is_json, failure.is_none());
    if let Some(error) = &reply.error {
        assert!(error.chars().count() <= 500);
        assert!(reply.is_json, "{error:?} is told of what is no JSON");
    }
    if let Some(failure) = failure {
        let report = failure.report();
        assert_eq!(report.code, NatsFailureCode::ReplyNotJson);
        assert!(
            report.message.ends_with('.') && report.action.ends_with('.'),
            "{report:?}"
        );
        assert!(report.message.len() < 1_000, "{report:?}");
    }
}
