//! What tests that break something tell of it: a line of JSON each, whether they pass or not, also where the harness keeps
//! what tests print.

use std::io::Write;

use serde_json::{Map, Value};

use crate::history::Checked;

/// Tells of a fault that was made, such as `server killed`, and its figures, which are an object. Times end in `_ms`.
///
/// # Panics
/// If the figures are none.
pub fn report(fault: &str, figures: Value) {
    let Value::Object(figures) = figures else {
        panic!("{figures} are no figures");
    };
    assert!(!figures.is_empty(), "a fault has figures");
    let mut line = Map::from_iter([("fault".to_owned(), fault.into())]);
    line.extend(figures);
    let line = format!("{}\n", Value::Object(line));
    // At once, so that nothing comes between; who doesn't read it doesn't stop a test.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

/// Tells of a fault under writers whose history was compared, and further figures.
pub fn report_checked(fault: &str, checked: Checked, further: Value) {
    let mut figures = Map::from_iter(
        [
            ("acknowledged", checked.acknowledged),
            ("audited", checked.audited),
            ("untold", checked.untold),
            ("made_untold", checked.made_untold),
        ]
        .map(|(name, count)| (name.to_owned(), count.into())),
    );
    if let Value::Object(further) = further {
        figures.extend(further);
    }
    report(fault, Value::Object(figures));
}
