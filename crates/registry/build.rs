//! `sqlx::migrate!` embeds a folder: a new file in it must trigger a build.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
