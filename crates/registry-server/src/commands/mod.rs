//! The commands, one file an idea. They translate: they read arguments, call the core, and write what it answers.

pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod migrate;
pub(crate) mod plan;
pub(crate) mod restore;
pub(crate) mod restore_backup;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod token;
