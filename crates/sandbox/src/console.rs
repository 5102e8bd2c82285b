//! What the newcomer sees: lines, and on a terminal one line that changes. No colour.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cara_clock::Clock;

/// Clones write to the same place.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
    started: Duration,
}

struct Inner {
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    /// Characters of the line that changes; 0: there is none.
    standing: usize,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console")
    }
}

impl Console {
    pub fn standard(clock: Clock) -> Console {
        let is_terminal = io::stdout().is_terminal();
        Console::of(Box::new(io::stdout()), is_terminal, clock)
    }

    pub fn of(out: Box<dyn Write + Send>, is_terminal: bool, clock: Clock) -> Console {
        let inner = Arc::new(Mutex::new(Inner { out, is_terminal, standing: 0 }));
        let started = clock.monotonic();
        Console { inner, clock, started }
    }

    /// A line that stays. Nobody reading any more is no reason to stop.
    pub fn line(&self, text: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let blank = " ".repeat(std::mem::take(&mut inner.standing));
        let wiped = if blank.is_empty() { String::new() } else { format!("\r{blank}\r") };
        let _nobody_reads = writeln!(inner.out, "{wiped}{text}").and_then(|()| inner.out.flush());
    }

    /// A line that stays, with the seconds since the start.
    pub fn event(&self, text: &str) {
        self.line(&format!("{:>6.1} s  {text}", self.elapsed().as_secs_f64()));
    }

    /// Where things are: one line that changes on a terminal, lines elsewhere.
    pub fn progress(&self, text: &str) {
        let is_terminal = self.inner.lock().unwrap_or_else(PoisonError::into_inner).is_terminal;
        if !is_terminal {
            return self.event(text);
        }
        let text = format!("{:>6.1} s  {text}", self.elapsed().as_secs_f64());
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let width = inner.standing;
        inner.standing = text.chars().count();
        let _nobody_reads = write!(inner.out, "\r{text:<width$}").and_then(|()| inner.out.flush());
    }

    /// How often progress is worth a line.
    pub fn pace(&self) -> Duration {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_secs(if inner.is_terminal { 1 } else { 5 })
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }
}
