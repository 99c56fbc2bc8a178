//! What an account has set for its registries, and where: folders, connection profiles, passwords in the keychain.
//!
//! The window writes it; the command line reads it, so that a profile made by clicks is one for scripts too. It knows
//! neither Tauri nor HTTP.

pub mod embedded;
mod folders;
mod profiles;
mod secrets;

pub use folders::Folders;
pub use profiles::{SavedProfiles, StoredProfile};
pub use secrets::{SecretPlace, SecretStore, kept_password, password_name};

/// The application's identifier: its folders are called so, and its secrets in the keychain.
pub const IDENTIFIER: &str = "dev.beamline.registry";
