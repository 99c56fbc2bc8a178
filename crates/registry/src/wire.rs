//! How values that TypeScript has no exact type for are described to it.

/// TypeScript's `number`, for values that are finite and whole ones below 2^53: ids grow by one a
/// change and will not get there. specta refuses 64-bit integers, and describes `f64` as nullable
/// because JSON has no NaN; any type that it describes as `number` says the right thing.
pub(crate) type WireNumber = u32;
