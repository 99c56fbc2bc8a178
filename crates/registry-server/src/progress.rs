//! How far long work is: a bar on standard error, if that is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// A bar of one piece of work, gone with the value. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins to show this work.
    pub(crate) fn new(words: &'static str) -> Self {
        Self::shown_if(words, true)
    }

    /// The same where nothing else is on the screen that it could mix with.
    pub(crate) fn shown_if(words: &'static str, is_wanted: bool) -> Self {
        let target = if is_wanted && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target)
            .with_message(words)
            .with_finish(ProgressFinish::AndClear);
        // Without a bar until it is known how much there is. The texts are this program's own and no template fails.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// So much of so much is done.
    pub(crate) fn tell(&self, words: &'static str, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {msg} {bar:30} {percent} % {eta}")
            {
                self.0.set_style(style);
            }
        }
        self.0.set_message(words);
        self.0.set_position(done);
    }

    /// So many are done of nobody knows how many.
    pub(crate) fn count(&self, words: &'static str, done: u64) {
        if done.is_multiple_of(1_000) {
            self.0.set_message(format!("{words}: {done}"));
        }
    }

    /// It is over, and nothing of it stays on the screen.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
