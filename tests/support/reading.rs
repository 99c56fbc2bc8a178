//! What tests read again and again.

use registry::audit::{AuditEntry, AuditFilter, AuditListRequest};
use registry::extensions::{Extension, ExtensionListRequest, ExtensionSortColumn};
use registry::{Registry, Result};

/// All extensions, ordered by type and id.
pub async fn list_extensions(registry: &Registry) -> Result<Vec<Extension>> {
    let request = ExtensionListRequest {
        sort: ExtensionSortColumn::Type,
        limit: 10_000,
        ..ExtensionListRequest::default()
    };
    Ok(registry.list_extensions(&request).await?.extensions)
}

/// The newest entries of the audit log, newest first; at most 500.
pub async fn list_entries(registry: &Registry) -> Result<Vec<AuditEntry>> {
    filter_entries(registry, AuditFilter::default()).await
}

/// The newest entries that `filter` lets through, newest first; at most 500.
pub async fn filter_entries(registry: &Registry, filter: AuditFilter) -> Result<Vec<AuditEntry>> {
    let request = AuditListRequest {
        filter,
        before_revision: None,
        after_revision: None,
        limit: 500,
    };
    Ok(registry.list_audit_entries(&request).await?.entries)
}

/// The entries about one extension, newest first; at most 500.
pub async fn history(registry: &Registry, id: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter {
        extension_id: Some(id.to_owned()),
        ..AuditFilter::default()
    };
    filter_entries(registry, filter).await.expect("the history")
}
