//! Where a registry is: URLs of databases, and files of profiles.

use registry::connection::{export_profiles, import_profiles, parse_url, to_url};

/// A text is a URL, a file of profiles, or neither.
pub(crate) fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match parse_url(text) {
        Ok(parsed) => {
            let url = to_url(&parsed.database);
            let again = parse_url(&url)
                .unwrap_or_else(|error| panic!("{url} was written and is refused: {error}"));
            assert_eq!(again.database, parsed.database, "{url}");
            assert!(again.password.is_none(), "{url} holds a password");
        }
        Err(error) => crate::is_told(&error),
    }
    match import_profiles(text) {
        Ok(profiles) => {
            let written = export_profiles(&profiles).unwrap();
            let again = import_profiles(&written)
                .unwrap_or_else(|error| panic!("what was exported is refused: {error}\n{written}"));
            assert_eq!(again, profiles);
        }
        Err(error) => crate::is_told(&error),
    }
}
